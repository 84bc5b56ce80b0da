import { Badge, Button, Group, NativeSelect, NumberInput, Table, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRoundIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, once } from '../../api/client';
import { useSession } from '../../api/session';
import type { Key, Role } from '../../api/types';
import { say } from '../../i18n';
import { Confirm } from '../../shell/Confirm';
import { Empty } from '../../shell/Empty';
import { ProblemCard } from '../../shell/ProblemCard';
import { Scroller } from '../../shell/Scroller';
import { ShownOnce } from './ShownOnce';

const ROLES: Role[] = ['viewer', 'operator', 'administrator'];

export function Keys() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const own = useSession().data?.role ?? 'viewer';
  const [made, setMade] = useState<string | null>(null);
  const [leaving, setLeaving] = useState<Key | null>(null);
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => must(api.GET('/v1/keys', { params: { query: { limit: 200 } } })) });
  const form = useForm({ validate: { name: (value: string) => (value.trim() ? null : t('enrol.name_missing')) }, initialValues: { name: '', role: 'viewer' as Role, days: 365 as number | string } });
  const make = useMutation({
    mutationFn: (fields: { name: string; role: Role; days: number | string }) =>
      must(api.POST('/v1/keys', { params: { header: once() }, body: { name: fields.name.trim(), role: fields.role, days: Number(fields.days) } })),
    onSuccess: ({ text }) => { form.reset(); setMade(text); return client.invalidateQueries({ queryKey: ['keys'] }); },
  });
  const revoke = useMutation({
    mutationFn: (id: string) => must(api.DELETE('/v1/keys/{key_id}', { params: { path: { key_id: id } } })),
    onSuccess: () => { setLeaving(null); return client.invalidateQueries({ queryKey: ['keys'] }); },
  });
  const roles = ROLES.slice(0, ROLES.indexOf(own as Role) + 1).map((role) => ({ value: role, label: t(`role.${role}`) }));
  return (
    <div className="stack loose">
      <form onSubmit={form.onSubmit((fields) => make.mutate(fields))}>
        <Group align="flex-end">
          <TextInput label={t('keys.name')} placeholder={t('keys.example')} required maxLength={100} {...form.getInputProps('name')} />
          <NativeSelect label={t('accounts.role')} data={roles} {...form.getInputProps('role')} />
          <NumberInput label={t('keys.days')} min={1} max={3650} allowDecimal={false} required w={170} {...form.getInputProps('days')} />
          <Button type="submit" loading={make.isPending}>{t('keys.make')}</Button>
        </Group>
      </form>
      <ProblemCard error={keys.error ?? make.error} />
      {made && <ShownOnce title={t('keys.once')} text={t('keys.once_text')} secret={made} onClose={() => setMade(null)} />}
      {keys.data?.items.length === 0 && !made && <Empty icon={<KeyRoundIcon size={26} />} title={t('keys.none')} text={t('keys.none_text')} />}
      {!!keys.data?.items.length && (
        <Scroller label={t('settings.keys')}>
          <Table verticalSpacing="sm" className="stacked">
            <Table.Thead><Table.Tr><Table.Th>{t('keys.name')}</Table.Th><Table.Th>{t('accounts.role')}</Table.Th><Table.Th>{t('keys.until')}</Table.Th><Table.Th>{t('keys.used')}</Table.Th><Table.Th aria-label={t('accounts.actions')} /></Table.Tr></Table.Thead>
            <Table.Tbody>
              {keys.data.items.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td data-label={t('keys.name')}>{one.name} {one.revoked_at && <Badge color="gray" variant="light">{t('keys.revoked')}</Badge>}</Table.Td>
                  <Table.Td data-label={t('accounts.role')}>{t(`role.${one.role}`)}</Table.Td>
                  <Table.Td data-label={t('keys.until')} className="soft">{one.expires_at ? say.day(one.expires_at) : t('keys.forever')}</Table.Td>
                  <Table.Td data-label={t('keys.used')} className="soft">{one.last_used_at ? say.time(one.last_used_at) : t('accounts.never')}</Table.Td>
                  <Table.Td data-label={t('accounts.actions')}>{!one.revoked_at && <Button size="compact-sm" variant="subtle" color="red" onClick={() => setLeaving(one)}>{t('keys.revoke')}</Button>}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroller>
      )}
      <Confirm opened={leaving !== null} title={t('keys.revoke_title', { name: leaving?.name ?? '' })} text={t('keys.revoke_text')} go={t('keys.revoke')} busy={revoke.isPending} error={revoke.error} onClose={() => setLeaving(null)} onGo={() => leaving && revoke.mutate(leaving.id)} />
    </div>
  );
}
