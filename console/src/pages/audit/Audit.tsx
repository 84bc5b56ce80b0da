import { Button, Group, Table } from '@mantine/core';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { CheckIcon, ShieldCheckIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { say } from '../../i18n';
import { Sentences } from '../../shell/Original';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { Scroller } from '../../shell/Scroller';
import { useNow } from '../../shell/useNow';
import { ALL, Choices, type Wanted } from './Choices';
import { Row } from './Row';

const COLUMNS = ['at', 'who', 'what', 'subject', 'outcome', 'why'] as const;

/** Who looked up or changed what, when and why. */
export default function Audit() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Wanted>(ALL);
  const now = useNow();
  const want = (more: Partial<Wanted>) => setWanted((have) => ({ ...have, ...more }));
  const log = useInfiniteQuery({
    queryKey: ['audit', wanted],
    queryFn: ({ pageParam }) => must(api.GET('/v1/audit', { params: { query: { limit: 50, cursor: pageParam, ...asked(wanted) } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before) => before,
    staleTime: 0,
  });
  const verify = useMutation({ mutationFn: () => must(api.GET('/v1/audit/verify')) });
  const entries = log.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHead title={t('audit.title')} lead={t('audit.lead')}>
        <Button variant="default" leftSection={<ShieldCheckIcon size={17} aria-hidden />} loading={verify.isPending} onClick={() => verify.mutate()}>{t('audit.verify')}</Button>
      </PageHead>
      <div aria-live="polite">
        <ProblemCard error={verify.error} />
        {verify.data && (
          <section className={`card mb ${verify.data.whole ? 'fine' : 'faulty'}`}>
            <Group gap="xs">{verify.data.whole && <CheckIcon size={18} aria-hidden />}<strong>{t(verify.data.whole ? 'audit.whole' : 'audit.faulty', { n: say.number(verify.data.entries) })}</strong></Group>
            <Sentences lines={verify.data.faults} className="sentence" />
            <p className="soft">{t('audit.head')} <code className="wrap">{verify.data.head}</code></p>
          </section>
        )}
      </div>
      <Choices wanted={wanted} onChange={want} />
      <ProblemCard error={log.error} />
      <Scroller label={t('audit.title')}>
        <Table verticalSpacing="sm" className="log stacked">
          <Table.Thead><Table.Tr>{COLUMNS.map((name) => <Table.Th key={name}>{t(`audit.${name}`)}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>{entries.map((entry) => <Row key={entry.seq} entry={entry} now={now} onSubject={(subject) => want({ subject })} />)}</Table.Tbody>
        </Table>
      </Scroller>
      {log.isSuccess && entries.length === 0 && <p className="soft">{t('audit.none')}</p>}
      {log.hasNextPage && <Button mt="md" variant="default" loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>{t('common.more')}</Button>}
    </>
  );
}

function asked({ action, actor, subject, since, until }: Wanted) {
  return {
    action: action ?? undefined,
    actor: actor ?? undefined,
    subject: subject ?? undefined,
    since: since ? new Date(`${since}T00:00:00`).toISOString() : undefined,
    until: until ? new Date(`${until}T23:59:59.999`).toISOString() : undefined,
  };
}
