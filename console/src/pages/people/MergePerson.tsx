import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import type { Person } from '../../api/types';
import { Portrait } from '../../faces/Portrait';
import { Confirm } from '../../shell/Confirm';

/** This person and another are one: the other stays. */
export function MergePerson({ person, twin, opened, onClose }: { person: Person; twin: string | null; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [chosen, setInto] = useState<string | null>(null);
  const into = chosen ?? twin;
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 250);
  const people = useQuery({
    queryKey: ['people', 'merge', q],
    queryFn: () => must(api.GET('/v1/people', { params: { query: { q: q || undefined, limit: 50 } } })),
    enabled: opened,
  });
  const other = useQuery({
    queryKey: ['person', into],
    queryFn: () => must(api.GET('/v1/people/{person_id}', { params: { path: { person_id: into ?? '' } } })),
    enabled: opened && into !== null,
  });
  const merge = useMutation({
    mutationFn: (stays: string) => must(api.POST('/v1/people/{person_id}/merge', { params: { path: { person_id: person.id } }, body: { into: stays } })),
    onSuccess: async (stays) => {
      onClose();
      await go(`/people/${stays.id}`);
      await client.invalidateQueries();
    },
  });
  const listed = people.data?.items ?? [];
  const others = [...(other.data && !listed.some((one) => one.id === into) ? [other.data] : []), ...listed].filter((one) => one.id !== person.id);
  return (
    <Confirm
      opened={opened} onClose={onClose} title={t('person.merge')} text={t('person.merge_text', { name: person.name })} go={t('person.merge_go')}
      busy={merge.isPending} error={merge.error} onGo={() => into && merge.mutate(into)}
    >
      <Select
        label={t('person.merge_into')} searchable value={into} onChange={setInto} onSearchChange={setText} nothingFoundMessage={t('person.nobody_else')}
        data={others.map((one) => ({ value: one.id, label: `${one.name}${one.external_id ? ` (${one.external_id})` : ''} · ${one.id.slice(0, 5)}` }))}
      />
      {other.data && (
        <figure className="both">
          {[person, other.data].map((one) => <div key={one.id}><Portrait person={one} /><strong>{one.name}</strong></div>)}
          <figcaption className="soft small">{t('person.merge_look')}</figcaption>
        </figure>
      )}
    </Confirm>
  );
}
