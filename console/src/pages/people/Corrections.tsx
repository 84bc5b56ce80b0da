import { Button, Group, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, once, parts } from '../../api/client';
import { useMay } from '../../api/session';
import type { Person } from '../../api/types';
import { PhotoDrop } from '../../faces/PhotoDrop';
import { Thumb } from '../../faces/Thumb';
import { say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';

/** "Not this person": shows what would change before anything does. */
export function Corrections({ person }: { person: Person }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const operator = useMay('operator');
  const [photo, setPhoto] = useState<File | null>(null);
  const path = { person_id: person.id };
  const list = useQuery({ queryKey: ['corrections', person.id], queryFn: () => must(api.GET('/v1/people/{person_id}/corrections', { params: { path } })) });
  const send = (sent: File, dry_run: boolean) =>
    must(api.POST('/v1/people/{person_id}/corrections', { params: { path, query: { dry_run }, header: once() }, ...parts({ photo: sent }) }));
  const trial = useMutation({ mutationFn: (sent: File) => send(sent, true) });
  const correct = useMutation({
    mutationFn: (sent: File) => send(sent, false),
    onSuccess: () => { setPhoto(null); trial.reset(); return client.invalidateQueries(); },
  });
  const withdraw = useMutation({
    mutationFn: (correction_id: number) => must(api.DELETE('/v1/people/{person_id}/corrections/{correction_id}', { params: { path: { ...path, correction_id } } })),
    onSuccess: () => client.invalidateQueries(),
  });
  const { mutate } = trial;
  const take = useCallback(([first]: File[]) => { if (first) { setPhoto(first); mutate(first); } }, [mutate]);
  return (
    <section className="card">
      <h2 className="display">{t('correct.title')}</h2>
      <p className="soft">{t('correct.lead', { name: person.name })}</p>
      <ul className="rows plain">
        {list.data?.items.map((one) => (
          <li key={one.id}>
            <span>{t('correct.said', { by: one.by })} <time className="soft" dateTime={one.at}>{say.time(one.at)}</time></span>
            {operator && <Button size="compact-sm" variant="subtle" color="gray" onClick={() => withdraw.mutate(one.id)}>{t('correct.withdraw')}</Button>}
          </li>
        ))}
      </ul>
      <ProblemCard error={trial.error ?? correct.error ?? withdraw.error} />
      {operator && !photo && <PhotoDrop small onPhotos={take} label={t('correct.photo')} />}
      {photo && (
        <Group align="flex-start" wrap="nowrap">
          <Thumb photo={photo} label={t('correct.photo')} />
          <div>
            {trial.data && (
              <Text size="sm">
                {trial.data.answers_kept_days === 0 ? t('correct.no_answers') : t('correct.would', { count: trial.data.changes.length, n: trial.data.changes.length })}
              </Text>
            )}
            <ul className="small-list">
              {trial.data?.changes.slice(0, 5).map((change) => <li key={change.at}>{say.time(change.at)}: {t(`who.${change.answer}`)}</li>)}
            </ul>
            <Group gap="xs" mt="sm">
              <Button size="xs" disabled={!trial.data} loading={correct.isPending} onClick={() => correct.mutate(photo)}>{t('correct.go')}</Button>
              <Button size="xs" variant="default" onClick={() => { setPhoto(null); trial.reset(); correct.reset(); }}>{t('common.cancel')}</Button>
            </Group>
          </div>
        </Group>
      )}
    </section>
  );
}
