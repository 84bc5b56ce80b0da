import { Button, Checkbox, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, once, parts } from '../../api/client';
import { asProblem } from '../../api/problem';
import type { JudgedPhoto, Person } from '../../api/types';
import { Judged, undecided } from '../../faces/Judged';
import { PhotoDrop } from '../../faces/PhotoDrop';
import { ProblemCard } from '../../shell/ProblemCard';

const MOST = 10;

interface Sent {
  photos: readonly File[];
  anyway: boolean;
}

/** More photos of somebody on record; what was not kept says why, and whoever has looked can have some kept all the same. */
export function AddPhotos({ person }: { person: Person }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: ({ photos, anyway }: Sent) =>
      must(api.POST('/v1/people/{person_id}/photos', {
        params: { path: { person_id: person.id }, query: { allow_duplicate: anyway, allow_unlike: anyway }, header: once() },
        ...parts({ photos }),
      })),
    onSuccess: ({ photos }) => {
      const kept = photos.filter((photo) => photo.kept).length;
      notifications.show({ message: t('enrol.kept', { count: kept, n: kept, all: photos.length }) });
      return client.invalidateQueries();
    },
  });
  const { mutate } = add;
  const take = useCallback((photos: File[]) => mutate({ photos: photos.slice(0, MOST), anyway: false }), [mutate]);
  const sent = add.variables?.photos ?? [];
  const judged: readonly JudgedPhoto[] = add.data?.photos ?? (add.error ? asProblem(add.error).photos : []);
  const left = undecided(judged, sent);
  return (
    <>
      <ProblemCard error={add.error} files={sent} focus />
      {add.data?.photos.some((photo) => !photo.kept) && <div role="status" className="mb"><p className="soft">{t('judged.left_out')}</p><Judged photos={add.data.photos} files={sent} /></div>}
      {left.length > 0 && <Anyway key={add.submittedAt} busy={add.isPending} onGo={() => mutate({ photos: left, anyway: true })} />}
      <PhotoDrop small many onPhotos={take} label={add.isPending ? t('common.working') : t('person.more_photos')} />
    </>
  );
}

/** As where somebody is enrolled: first the box that says that somebody has looked. */
function Anyway({ busy, onGo }: { busy: boolean; onGo: () => void }) {
  const { t } = useTranslation();
  const [looked, setLooked] = useState(false);
  return (
    <Group justify="space-between" my="md">
      <Checkbox label={t('enrol.anyway')} checked={looked} onChange={(event) => setLooked(event.currentTarget.checked)} />
      <Button disabled={!looked} loading={busy} onClick={onGo}>{t('enrol.go')}</Button>
    </Group>
  );
}
