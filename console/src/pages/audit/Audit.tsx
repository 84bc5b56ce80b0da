import { Button, Group, Table, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { IconCheck, IconShieldCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { api, must } from '../../api/client';
import type { AuditEntry } from '../../api/types';
import { say } from '../../i18n';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { Scroller } from '../../shell/Scroller';

/** Who looked up or changed what, when and why. */
export default function Audit() {
  const { t } = useTranslation();
  const [fields, setFields] = useState({ action: '', subject: '', since: '', until: '' });
  const [wanted] = useDebouncedValue(fields, 300);
  const log = useInfiniteQuery({
    queryKey: ['audit', wanted],
    queryFn: ({ pageParam }) =>
      must(api.GET('/v1/audit', {
        params: {
          query: {
            limit: 50,
            cursor: pageParam,
            action: wanted.action.trim() || undefined,
            subject: wanted.subject.trim() || undefined,
            since: wanted.since ? new Date(wanted.since).toISOString() : undefined,
            until: wanted.until ? new Date(`${wanted.until}T23:59:59`).toISOString() : undefined,
          },
        },
      })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
  });
  const verify = useMutation({ mutationFn: () => must(api.GET('/v1/audit/verify')) });
  const entries = log.data?.pages.flatMap((page) => page.items) ?? [];
  const field = (name: keyof typeof fields, type: string) => (
    <TextInput type={type} label={t(`audit.${name}`)} value={fields[name]} maxLength={100} onChange={(event) => { const { value } = event.currentTarget; setFields((have) => ({ ...have, [name]: value })); }} />
  );
  return (
    <>
      <PageHead title={t('audit.title')} lead={t('audit.lead')}>
        <Button variant="default" leftSection={<IconShieldCheck size={17} aria-hidden />} loading={verify.isPending} onClick={() => verify.mutate()}>{t('audit.verify')}</Button>
      </PageHead>
      <div aria-live="polite">
        <ProblemCard error={verify.error} />
        {verify.data && (
          <section className={`card mb ${verify.data.whole ? 'fine' : 'faulty'}`}>
            <Group gap="xs">{verify.data.whole && <IconCheck size={18} aria-hidden />}<strong>{t(verify.data.whole ? 'audit.whole' : 'audit.faulty', { n: say.number(verify.data.entries) })}</strong></Group>
            {verify.data.faults.map((fault) => <p key={fault}>{fault}</p>)}
            <p className="soft">{t('audit.head')} <code className="wrap">{verify.data.head}</code></p>
          </section>
        )}
      </div>
      <Group mb="lg" align="flex-end">{field('action', 'text')}{field('subject', 'text')}{field('since', 'date')}{field('until', 'date')}</Group>
      <ProblemCard error={log.error} />
      <Scroller label={t('audit.title')}>
        <Table verticalSpacing="sm" className="log">
          <Table.Thead><Table.Tr><Table.Th>{t('audit.at')}</Table.Th><Table.Th>{t('audit.who')}</Table.Th><Table.Th>{t('audit.what')}</Table.Th><Table.Th>{t('audit.subject')}</Table.Th><Table.Th>{t('audit.why')}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>{entries.map((entry) => <Row key={entry.seq} entry={entry} />)}</Table.Tbody>
        </Table>
      </Scroller>
      {log.isSuccess && entries.length === 0 && <p className="soft">{t('audit.none')}</p>}
      {log.hasNextPage && <Button mt="md" variant="default" loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>{t('common.more')}</Button>}
    </>
  );
}

function Row({ entry }: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const person = entry.subject && /person|people|photo|template|correction|face|crop|history|identif/.test(entry.action);
  const detail = Object.entries(entry.detail).map(([name, value]) => `${name} ${value}`).join(' · ');
  return (
    <Table.Tr>
      <Table.Td className="nowrap num">{say.time(entry.at)}</Table.Td>
      <Table.Td>{entry.name}{entry.kind === 'key' && <span className="soft"> · {t('audit.key')}</span>}</Table.Td>
      <Table.Td><code>{entry.action}</code><div className="soft small">{detail}</div></Table.Td>
      <Table.Td>{person ? <Link to={`/people/${entry.subject}`}><code>{entry.subject?.slice(0, 8)}</code></Link> : <code>{entry.subject?.slice(0, 8)}</code>}</Table.Td>
      <Table.Td>{entry.why}</Table.Td>
    </Table.Tr>
  );
}
