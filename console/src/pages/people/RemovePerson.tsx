import { Button, Code, Modal, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { DownloadIcon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import type { Person, Receipt } from '../../api/types';
import { Confirm } from '../../shell/Confirm';
import { download } from '../../shell/download';

/** Forgets somebody for good and hands out the signed receipt. */
export function RemovePerson({ person, opened, onClose }: { person: Person; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [typed, setTyped] = useState('');
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const remove = useMutation({
    mutationFn: () => must(api.DELETE('/v1/people/{person_id}', { params: { path: { person_id: person.id } } })),
    onSuccess: setReceipt,
  });
  const leave = async () => {
    await go('/people');
    client.removeQueries({ queryKey: ['person', person.id] });
    await client.invalidateQueries();
  };
  if (receipt) {
    return (
      <Modal opened onClose={() => void leave()} title={t('receipt.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p>{t('receipt.text', { name: person.name })}</p>
        <Code block className="receipt">{JSON.stringify(receipt, null, 1)}</Code>
        <Button mt="md" mr="xs" leftSection={<DownloadIcon size={16} aria-hidden />} onClick={() => download(`receipt-${receipt.seq}.json`, JSON.stringify(receipt))}>{t('receipt.keep')}</Button>
        <Button mt="md" variant="default" onClick={() => void leave()}>{t('common.done')}</Button>
      </Modal>
    );
  }
  return (
    <Confirm
      opened={opened} onClose={onClose} title={t('person.remove_title', { name: person.name })} text={t('person.remove_text')} go={t('person.remove_go')}
      busy={remove.isPending} error={remove.error} onGo={() => typed.trim() === person.name.trim() && remove.mutate()}
    >
      <TextInput label={t('person.remove_type', { name: person.name })} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} error={typed && typed.trim() !== person.name.trim() ? t('person.remove_differs') : null} />
    </Confirm>
  );
}
