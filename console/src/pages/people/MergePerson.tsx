import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import type { Person } from '../../api/types';
import { Confirm } from '../../shell/Confirm';

/** This person and another are one: the other stays. */
export function MergePerson({ person, opened, onClose }: { person: Person; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [into, setInto] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 250);
  const people = useQuery({
    queryKey: ['people', 'merge', q],
    queryFn: () => must(api.GET('/v1/people', { params: { query: { q: q || undefined, limit: 50 } } })),
    enabled: opened,
  });
  const merge = useMutation({
    mutationFn: (other: string) => must(api.POST('/v1/people/{person_id}/merge', { params: { path: { person_id: person.id } }, body: { into: other } })),
    onSuccess: async (stays) => {
      onClose();
      await go(`/people/${stays.id}`);
      await client.invalidateQueries();
    },
  });
  const others = (people.data?.items ?? []).filter((one) => one.id !== person.id);
  return (
    <Confirm
      opened={opened} onClose={onClose} title={t('person.merge')} text={t('person.merge_text', { name: person.name })} go={t('person.merge_go')}
      busy={merge.isPending} error={merge.error} onGo={() => into && merge.mutate(into)}
    >
      <Select
        label={t('person.merge_into')} searchable value={into} onChange={setInto} onSearchChange={setText} nothingFoundMessage={t('person.nobody_else')}
        data={others.map((one) => ({ value: one.id, label: `${one.name}${one.external_id ? ` (${one.external_id})` : ''} · ${one.id.slice(0, 5)}` }))}
      />
    </Confirm>
  );
}
