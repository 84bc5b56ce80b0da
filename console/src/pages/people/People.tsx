import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { SearchIcon, StethoscopeIcon, UserPlusIcon, UsersIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import { say } from '../../i18n';
import { Empty } from '../../shell/Empty';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { AddPerson } from './AddPerson';
import { PersonTile } from './PersonTile';

export default function People() {
  const { t } = useTranslation();
  const go = useNavigate();
  const operator = useMay('operator');
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 250);
  const [adding, { open, close }] = useDisclosure();
  const people = useInfiniteQuery({
    queryKey: ['people', q],
    queryFn: ({ pageParam }) => must(api.GET('/v1/people', { params: { query: { limit: 48, q: q || undefined, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const items = people.data?.pages.flatMap((page) => page.items) ?? [];
  const total = people.data?.pages.at(-1)?.total ?? 0;
  const nobody = people.isSuccess && items.length === 0;
  return (
    <>
      <PageHead title={t('people.title')} lead={total ? t('people.lead', { count: total, n: say.number(total) }) : undefined}>
        <Group gap="xs">
          {operator && <Button component={Link} to="/people/findings" variant="default" leftSection={<StethoscopeIcon size={17} aria-hidden />}>{t('people.findings')}</Button>}
          {operator && <Button onClick={open} leftSection={<UserPlusIcon size={17} aria-hidden />}>{t('people.add')}</Button>}
        </Group>
      </PageHead>
      {(!nobody || q) && (
        <TextInput
          type="search" mb="lg" maw={380} value={text} maxLength={200}
          aria-label={t('people.search')} placeholder={t('people.search')}
          leftSection={<SearchIcon size={16} aria-hidden />}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      <ProblemCard error={people.error} retry={() => void people.refetch()} />
      {nobody && (q ? <p className="soft">{t('people.no_match', { q })}</p> : (
        <Empty icon={<UsersIcon size={26} />} title={t('people.empty')} text={t('people.empty_text')}>
          {operator && <Button onClick={open}>{t('people.add')}</Button>}
        </Empty>
      ))}
      <ul className="cards plain">
        {items.map((person) => <li key={person.id}><PersonTile person={person} /></li>)}
      </ul>
      {people.hasNextPage && (
        <Button mt="lg" variant="default" loading={people.isFetchingNextPage} onClick={() => void people.fetchNextPage()}>{t('common.more')}</Button>
      )}
      <Modal opened={adding} onClose={close} size="lg" title={t('people.add')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <AddPerson onCancel={close} onDone={(person) => { close(); void go(`/people/${person.id}`); }} />
      </Modal>
    </>
  );
}
