import { Button, Checkbox, Group, Stack, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, once, parts } from '../../api/client';
import { asProblem } from '../../api/problem';
import { usePreferences } from '../../api/preferences';
import type { JudgedPhoto, Person } from '../../api/types';
import { Judged, undecided } from '../../faces/Judged';
import { Thumb } from '../../faces/Thumb';
import { ProblemCard } from '../../shell/ProblemCard';

interface Fields {
  name: string;
  groups: string[];
  purpose: string;
  consent: boolean;
  anyway: boolean;
}

/** Name, consent and photos of somebody new. */
export function EnrolForm({ photos, onDone, onCancel, onRemove, onStored }: { photos: Blob[]; onDone: (person: Person) => void; onCancel: () => void; onRemove?: (index: number) => void; onStored?: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const preferences = usePreferences();
  const [done, setDone] = useState<{ person: Person; judged: JudgedPhoto[] } | null>(null);
  const form = useForm<Fields>({
    initialValues: { name: '', groups: [], purpose: preferences.data?.purpose || t('enrol.purpose_default'), consent: false, anyway: false },
    validate: {
      name: (value) => (value.trim() ? null : t('enrol.name_missing')),
      purpose: (value) => (value.trim() ? null : t('enrol.purpose_missing')),
      consent: (value) => (value ? null : t('enrol.consent_needed')),
    },
  });
  const enrol = useMutation({
    mutationFn: (fields: Fields) => {
      const person = JSON.stringify({
        name: fields.name.trim(),
        groups: fields.groups,
        consent: { given_by: fields.name.trim(), purpose: fields.purpose.trim(), how: t('enrol.how') },
        allow_duplicate: fields.anyway,
        allow_unlike: fields.anyway,
      });
      return must(api.POST('/v1/people', { params: { header: once() }, ...parts({ person, photos }) }));
    },
    onSuccess: ({ person, photos: judged }) => {
      void client.invalidateQueries();
      const kept = judged.filter((photo) => photo.kept).length;
      // Of the webcam's photos nobody asks which.
      if (onRemove && kept < judged.length) {
        setDone({ person, judged });
        onStored?.();
        return;
      }
      notifications.show({ title: t('enrol.done', { name: person.name }), message: t('enrol.kept', { count: kept, n: kept, all: judged.length }) });
      onDone(person);
    },
  });
  const looked = enrol.error !== null && undecided(asProblem(enrol.error).photos, photos).length > 0;
  if (done) return <Enrolled {...done} photos={photos} onDone={() => onDone(done.person)} />;
  return (
    <form onSubmit={form.onSubmit((fields) => enrol.mutate(fields))}>
      <Stack gap="md">
        {photos.length > 0 && (
          <div className="thumbs">
            {photos.map((photo, index) => (
              <Thumb key={index} photo={photo} label={t('enrol.photo', { n: index + 1 })} onRemove={onRemove && (() => onRemove(index))} />
            ))}
          </div>
        )}
        <TextInput label={t('enrol.name')} required maxLength={200} data-autofocus {...form.getInputProps('name')} />
        <TagsInput label={t('enrol.groups')} description={t('enrol.groups_hint')} maxTags={20} {...form.getInputProps('groups')} />
        <TextInput label={t('enrol.purpose')} required maxLength={1000} {...form.getInputProps('purpose')} />
        <Checkbox label={t('enrol.consent')} {...form.getInputProps('consent', { type: 'checkbox' })} />
        <ProblemCard error={enrol.error} files={photos} focus />
        {looked && <Checkbox label={t('enrol.anyway')} {...form.getInputProps('anyway', { type: 'checkbox' })} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>{t('common.cancel')}</Button>
          <Button type="submit" loading={enrol.isPending} disabled={photos.length === 0}>{t('enrol.go')}</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Somebody is on record, though not with every photo: which were left out, and why. */
function Enrolled({ person, judged, photos, onDone }: { person: Person; judged: JudgedPhoto[]; photos: Blob[]; onDone: () => void }) {
  const { t } = useTranslation();
  const kept = judged.filter((photo) => photo.kept).length;
  return (
    <div className="stack" role="status">
      <h2 className="display">{t('enrol.done', { name: person.name })}</h2>
      <p className="soft">{t('enrol.kept', { count: kept, n: kept, all: judged.length })} {t('judged.left_out')}</p>
      <Judged photos={judged} files={photos} />
      <Group justify="flex-end"><Button onClick={onDone} data-autofocus>{t('common.done')}</Button></Group>
    </div>
  );
}
