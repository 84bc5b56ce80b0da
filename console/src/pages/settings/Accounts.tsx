import { Badge, Button, Group, Menu, NativeSelect, Table, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { EllipsisIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, once } from '../../api/client';
import type { Account, Role } from '../../api/types';
import { say } from '../../i18n';
import { Confirm } from '../../shell/Confirm';
import { ProblemCard } from '../../shell/ProblemCard';
import { Scroller } from '../../shell/Scroller';
import { ShownOnce } from './ShownOnce';

const ROLES: Role[] = ['viewer', 'operator', 'administrator'];

export function Accounts() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [link, setLink] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Account | null>(null);
  const accounts = useQuery({ queryKey: ['accounts'], queryFn: () => must(api.GET('/v1/accounts', { params: { query: { limit: 200 } } })) });
  const form = useForm({ initialValues: { name: '', role: 'operator' as Role } });
  const changed = (token?: string | null) => {
    if (token) setLink(`${window.location.origin}/#welcome=${token}`);
    return client.invalidateQueries({ queryKey: ['accounts'] });
  };
  const make = useMutation({
    mutationFn: (body: { name: string; role: Role }) => must(api.POST('/v1/accounts', { params: { header: once() }, body })),
    onSuccess: ({ token }) => { form.reset(); return changed(token); },
  });
  const change = useMutation({
    mutationFn: ({ id, ...body }: { id: string; role?: Role; disabled?: boolean; reset: boolean }) => must(api.PATCH('/v1/accounts/{account_id}', { params: { path: { account_id: id } }, body })),
    onSuccess: ({ token }) => changed(token),
  });
  const remove = useMutation({
    mutationFn: (id: string) => must(api.DELETE('/v1/accounts/{account_id}', { params: { path: { account_id: id } } })),
    onSuccess: () => { setLeaving(null); return changed(); },
  });
  const roles = ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }));
  return (
    <div className="stack loose">
      <form onSubmit={form.onSubmit((fields) => make.mutate({ ...fields, name: fields.name.trim() }))}>
        <Group align="flex-end">
          <TextInput label={t('accounts.name')} required maxLength={100} {...form.getInputProps('name')} />
          <NativeSelect label={t('accounts.role')} data={roles} {...form.getInputProps('role')} />
          <Button type="submit" loading={make.isPending}>{t('accounts.make')}</Button>
        </Group>
      </form>
      <ProblemCard error={accounts.error ?? make.error ?? change.error} />
      {link && <ShownOnce title={t('accounts.link')} text={t('accounts.link_text')} secret={link} onClose={() => setLink(null)} />}
      <Scroller label={t('settings.accounts')}>
        <Table verticalSpacing="sm">
          <Table.Thead><Table.Tr><Table.Th>{t('accounts.name')}</Table.Th><Table.Th>{t('accounts.role')}</Table.Th><Table.Th>{t('accounts.last')}</Table.Th><Table.Th aria-label={t('accounts.actions')} /></Table.Tr></Table.Thead>
          <Table.Tbody>
            {accounts.data?.items.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td>{one.name} {one.disabled && <Badge color="gray" variant="light">{t('accounts.disabled')}</Badge>}</Table.Td>
                <Table.Td><NativeSelect size="xs" aria-label={t('accounts.role_of', { name: one.name })} data={roles} value={one.role} onChange={(event) => change.mutate({ id: one.id, role: event.currentTarget.value as Role, reset: false })} /></Table.Td>
                <Table.Td className="soft">{one.last_login_at ? say.time(one.last_login_at) : t('accounts.never')}</Table.Td>
                <Table.Td>
                  <Menu position="bottom-end">
                    <Menu.Target><Button size="compact-sm" variant="subtle" color="gray" aria-label={t('accounts.actions_of', { name: one.name })}><EllipsisIcon size={16} aria-hidden /></Button></Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => change.mutate({ id: one.id, reset: true })}>{t('accounts.reset')}</Menu.Item>
                      <Menu.Item onClick={() => change.mutate({ id: one.id, disabled: !one.disabled, reset: false })}>{t(one.disabled ? 'accounts.enable' : 'accounts.disable')}</Menu.Item>
                      <Menu.Item color="red" onClick={() => setLeaving(one)}>{t('accounts.remove')}</Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroller>
      <Confirm opened={leaving !== null} title={t('accounts.remove_title', { name: leaving?.name ?? '' })} text={t('accounts.remove_text')} go={t('accounts.remove')} busy={remove.isPending} error={remove.error} onClose={() => setLeaving(null)} onGo={() => leaving && remove.mutate(leaving.id)} />
    </div>
  );
}
