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
import { useLinks } from './useLinks';

const ROLES: Role[] = ['viewer', 'operator', 'administrator'];

export function Accounts() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [links, setLinks] = useLinks();
  const [leaving, setLeaving] = useState<Account | null>(null);
  const accounts = useQuery({ queryKey: ['accounts'], queryFn: () => must(api.GET('/v1/accounts', { params: { query: { limit: 200 } } })) });
  const form = useForm({ validate: { name: (value: string) => (value.trim() ? null : t('enrol.name_missing')) }, initialValues: { name: '', role: 'operator' as Role } });
  // A newer link of an account makes the older one void.
  const changed = (name: string, token?: string | null) => {
    if (token) setLinks((have) => [{ name, link: `${window.location.origin}/#welcome=${token}` }, ...have.filter((one) => one.name !== name)]);
    return client.invalidateQueries({ queryKey: ['accounts'] });
  };
  const make = useMutation({
    mutationFn: (body: { name: string; role: Role }) => must(api.POST('/v1/accounts', { params: { header: once() }, body })),
    onSuccess: ({ token }, { name }) => { form.reset(); return changed(name, token); },
  });
  const change = useMutation({
    mutationFn: ({ id, name: _, ...body }: { id: string; name: string; role?: Role; disabled?: boolean; reset: boolean }) => must(api.PATCH('/v1/accounts/{account_id}', { params: { path: { account_id: id } }, body })),
    onSuccess: ({ token }, { name }) => changed(name, token),
  });
  const remove = useMutation({
    mutationFn: ({ id }: Account) => must(api.DELETE('/v1/accounts/{account_id}', { params: { path: { account_id: id } } })),
    onSuccess: (_, { name }) => { setLeaving(null); setLinks((have) => have.filter((one) => one.name !== name)); return changed(name); },
  });
  const alter = (body: Parameters<typeof change.mutate>[0]) => { make.reset(); change.mutate(body); };
  const roles = ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }));
  return (
    <div className="stack loose">
      <form onSubmit={form.onSubmit((fields) => { change.reset(); make.mutate({ ...fields, name: fields.name.trim() }); })}>
        <Group align="flex-end">
          <TextInput label={t('accounts.name')} required maxLength={100} {...form.getInputProps('name')} />
          <NativeSelect label={t('accounts.role')} data={roles} {...form.getInputProps('role')} />
          <Button type="submit" loading={make.isPending}>{t('accounts.make')}</Button>
        </Group>
      </form>
      <ProblemCard error={make.error} focus />
      {links.map(({ name, link }) => (
        <ShownOnce key={link} title={t('accounts.link', { name })} text={t('accounts.link_text', { name })} secret={link} onClose={() => setLinks((have) => have.filter((one) => one.link !== link))} />
      ))}
      <ProblemCard error={accounts.error} />
      <ProblemCard error={change.error} title={t('accounts.failed_for', { name: change.variables?.name ?? '' })} focus />
      <Scroller label={t('settings.accounts')}>
        <Table verticalSpacing="sm" className="stacked">
          <Table.Thead><Table.Tr><Table.Th>{t('accounts.name')}</Table.Th><Table.Th>{t('accounts.role')}</Table.Th><Table.Th>{t('accounts.last')}</Table.Th><Table.Th aria-label={t('accounts.actions')} /></Table.Tr></Table.Thead>
          <Table.Tbody>
            {accounts.data?.items.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td data-label={t('accounts.name')}>{one.name} {one.disabled && <Badge color="gray" variant="light">{t('accounts.disabled')}</Badge>}</Table.Td>
                <Table.Td data-label={t('accounts.role')}><NativeSelect size="xs" aria-label={t('accounts.role_of', { name: one.name })} data={roles} value={one.role} onChange={(event) => alter({ id: one.id, name: one.name, role: event.currentTarget.value as Role, reset: false })} /></Table.Td>
                <Table.Td data-label={t('accounts.last')} className="soft">{one.last_login_at ? say.time(one.last_login_at) : t('accounts.never')}</Table.Td>
                <Table.Td data-label={t('accounts.actions')}>
                  <Menu position="bottom-end">
                    <Menu.Target><Button size="compact-sm" variant="subtle" color="gray" aria-label={t('accounts.actions_of', { name: one.name })}><EllipsisIcon size={16} aria-hidden /></Button></Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item onClick={() => alter({ id: one.id, name: one.name, reset: true })}>{t('accounts.reset')}</Menu.Item>
                      <Menu.Item onClick={() => alter({ id: one.id, name: one.name, disabled: !one.disabled, reset: false })}>{t(one.disabled ? 'accounts.enable' : 'accounts.disable')}</Menu.Item>
                      <Menu.Item color="red" onClick={() => setLeaving(one)}>{t('accounts.remove')}</Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Scroller>
      <Confirm opened={leaving !== null} title={t('accounts.remove_title', { name: leaving?.name ?? '' })} text={t('accounts.remove_text')} go={t('accounts.remove')} busy={remove.isPending} error={remove.error} onClose={() => setLeaving(null)} onGo={() => leaving && remove.mutate(leaving)} />
    </div>
  );
}
