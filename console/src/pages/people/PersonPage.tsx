import { Badge, Breadcrumbs, Button, Group, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { EllipsisIcon, GitMergeIcon, SquarePenIcon, Trash2Icon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams, useSearchParams } from 'react-router';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import type { Receipt } from '../../api/types';
import { Portrait } from '../../faces/Portrait';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { Corrections } from './Corrections';
import { EditPerson } from './EditPerson';
import { History } from './History';
import { MergePerson } from './MergePerson';
import { PersonFacts } from './PersonFacts';
import { PersonPhotos } from './PersonPhotos';
import { Removed } from './Removed';
import { RemovePerson } from './RemovePerson';

type Doing = 'edit' | 'merge' | 'remove' | null;

export default function PersonPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const operator = useMay('operator');
  const [doing, setDoing] = useState<Doing>(null);
  const [removed, setRemoved] = useState<{ name: string; receipt: Receipt } | null>(null);
  const person = useQuery({
    enabled: !removed,
    queryKey: ['person', id],
    queryFn: () => must(api.GET('/v1/people/{person_id}', { params: { path: { person_id: id } } })),
  });
  const found = person.data;
  // Another person who may be the same one, where a page leads here to look at both.
  const [query, setQuery] = useSearchParams();
  const twin = query.get('with');
  const close = () => {
    setDoing(null);
    if (twin) setQuery({}, { replace: true });
  };
  if (removed) return <Removed {...removed} />;
  return (
    <>
      <Breadcrumbs mb="md" className="crumbs">
        <Link to="/people">{t('people.title')}</Link>
        <span>{found?.name ?? '…'}</span>
      </Breadcrumbs>
      <ProblemCard error={person.error} />
      {found && (
        <>
          <div className="person-head">
            <Portrait person={found} size={92} />
            <PageHead title={found.name}>
              {operator && (
                <Group gap="xs">
                  <Button variant="default" leftSection={<SquarePenIcon size={16} aria-hidden />} onClick={() => setDoing('edit')}>{t('person.edit')}</Button>
                  <Menu position="bottom-end">
                    <Menu.Target>
                      <Button variant="default" aria-label={t('person.more')} px="xs"><EllipsisIcon size={18} aria-hidden /></Button>
                    </Menu.Target>
                    <Menu.Dropdown>
                      <Menu.Item leftSection={<GitMergeIcon size={16} aria-hidden />} onClick={() => setDoing('merge')}>{t('person.merge')}</Menu.Item>
                      <Menu.Item color="red" leftSection={<Trash2Icon size={16} aria-hidden />} onClick={() => setDoing('remove')}>{t('person.remove')}</Menu.Item>
                    </Menu.Dropdown>
                  </Menu>
                </Group>
              )}
            </PageHead>
          </div>
          {(found.groups.length > 0 || found.tags.length > 0 || found.expired) && (
            <Group gap="xs" mb="lg">
              {found.expired && <Badge color="red" variant="light">{t('person.expired')}</Badge>}
              {found.groups.map((group) => <Badge key={group} variant="light">{group}</Badge>)}
              {found.tags.map((tag) => <Badge key={tag} variant="outline" color="gray">{tag}</Badge>)}
            </Group>
          )}
          <div className="split">
            <div className="stack">
              <PersonPhotos person={found} />
              <Corrections person={found} />
            </div>
            <div className="stack">
              <PersonFacts person={found} />
              <History person={found} />
            </div>
          </div>
          <EditPerson person={found} opened={doing === 'edit'} onClose={close} />
          <MergePerson person={found} twin={twin} opened={doing === 'merge' || (operator && twin !== null)} onClose={close} />
          <RemovePerson person={found} opened={doing === 'remove'} onClose={close} onDone={(receipt) => setRemoved({ name: found.name, receipt })} />
        </>
      )}
    </>
  );
}
