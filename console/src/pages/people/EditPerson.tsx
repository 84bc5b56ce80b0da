import { Button, Group, Modal, Stack, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import type { Person } from '../../api/types';
import { ProblemCard } from '../../shell/ProblemCard';

interface Fields {
  name: string;
  external_id: string;
  groups: string[];
  tags: string[];
}

function Form({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm<Fields>({
    validate: { name: (value) => (value.trim() ? null : t('enrol.name_missing')) },
    initialValues: { name: person.name, external_id: person.external_id ?? '', groups: person.groups, tags: person.tags },
  });
  const save = useMutation({
    mutationFn: (fields: Fields) =>
      must(api.PATCH('/v1/people/{person_id}', {
        // Whoever changed the person meanwhile is not overwritten.
        params: { path: { person_id: person.id }, header: { 'if-match': `"${person.seq}"` } },
        body: { ...fields, external_id: fields.external_id.trim() || null },
      })),
    onSuccess: () => { onClose(); return client.invalidateQueries(); },
  });
  return (
    <form onSubmit={form.onSubmit((fields) => save.mutate(fields))}>
      <Stack>
        <TextInput label={t('enrol.name')} required maxLength={200} data-autofocus {...form.getInputProps('name')} />
        <TextInput label={t('person.external_id')} maxLength={200} {...form.getInputProps('external_id')} />
        <TagsInput label={t('enrol.groups')} maxTags={100} {...form.getInputProps('groups')} />
        <TagsInput label={t('person.tags')} maxTags={100} {...form.getInputProps('tags')} />
        <ProblemCard error={save.error} focus />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={save.isPending}>{t('common.save')}</Button>
        </Group>
      </Stack>
    </form>
  );
}

export function EditPerson({ person, opened, onClose }: { person: Person; opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t('person.edit_title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Form key={person.seq} person={person} onClose={onClose} />
    </Modal>
  );
}
