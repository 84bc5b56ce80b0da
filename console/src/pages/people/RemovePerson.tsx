import { TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import type { Person, Receipt } from '../../api/types';
import { Confirm } from '../../shell/Confirm';

/** Forgets somebody for good; `onDone` gets the signed receipt. */
export function RemovePerson({ person, opened, onClose, onDone }: { person: Person; opened: boolean; onClose: () => void; onDone: (receipt: Receipt) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    mutationFn: () => must(api.DELETE('/v1/people/{person_id}', { params: { path: { person_id: person.id } } })),
    onSuccess: (receipt) => {
      onDone(receipt);
      // Of the person nothing is asked again, and nothing else that is remembered may still show them.
      const own = (key: readonly unknown[]) => key[1] === person.id;
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'person' && own(queryKey) });
      return client.invalidateQueries({ predicate: ({ queryKey }) => !own(queryKey) });
    },
  });
  return (
    <Confirm
      opened={opened} onClose={onClose} title={t('person.remove_title', { name: person.name })} text={t('person.remove_text')} go={t('person.remove_go')}
      busy={remove.isPending} error={remove.error} onGo={() => typed.trim() === person.name.trim() && remove.mutate()}
    >
      <TextInput label={t('person.remove_type', { name: person.name })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} error={typed && typed.trim() !== person.name.trim() ? t('person.remove_differs') : null} />
    </Confirm>
  );
}
