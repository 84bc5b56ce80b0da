import { Button, Checkbox, Group, Loader, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must, parts } from '../../api/client';
import { galleryQuery, useGallery } from '../../api/gallery';
import { preferencesQuery, usePreferences } from '../../api/preferences';
import { unreadable } from '../../api/problem';
import { queries } from '../../api/queries';
import type { Analysis, IdentifiedFace } from '../../api/types';
import { FaceCard } from '../../faces/FaceCard';
import { Overlay, type Mark } from '../../faces/Overlay';
import { Picture } from '../../faces/Picture';
import { PhotoDrop } from '../../faces/PhotoDrop';
import { useObjectUrl } from '../../faces/useObjectUrl';
import { ProblemCard } from '../../shell/ProblemCard';
import { AskWhy } from './AskWhy';
import { WhoIsIt } from './WhoIsIt';

interface Found {
  analysis: Analysis;
  people: IdentifiedFace[];
}

/** Both questions at once: what is on the photo, and who; without the second where it needs a reason, or nobody is on record. */
async function look({ photo, why }: { photo: File; why?: string }): Promise<Found> {
  const [gallery, preferences] = await Promise.all([queries.fetchQuery(galleryQuery), queries.fetchQuery(preferencesQuery)]);
  const ask = gallery.n_people > 0 && (!preferences.why_required || !!why);
  const [analysis, people] = await Promise.all([
    must(api.POST('/v1/analyze', { params: { query: { points: true } }, ...parts({ photo }) })),
    ask ? must(api.POST('/v1/identify', { params: { query: { top: 3, why } }, ...parts({ photo }) })) : { faces: [] },
  ]);
  return { analysis, people: people.faces };
}

export function PhotoTry() {
  const { t } = useTranslation();
  const [photo, setPhoto] = useState<File | null>(null);
  const [chosen, setChosen] = useState(0);
  const [points, setPoints] = useState(false);
  const url = useObjectUrl(photo);
  const asked = useMutation({ mutationFn: look });
  const { mutate, reset } = asked;
  const reason = usePreferences().data?.why_required ?? false;
  const somebody = (useGallery().data?.n_people ?? 0) > 0;
  const take = useCallback(
    ([first]: File[]) => {
      if (!first) return;
      setPhoto(first);
      setChosen(0);
      mutate({ photo: first });
    },
    [mutate],
  );

  if (!photo) return <PhotoDrop onPhotos={take} paste />;
  const found = asked.data;
  return (
    <div className="split">
      <div>
        {found && url ? (
          <Overlay width={found.analysis.width} height={found.analysis.height} marks={marksOf(found, chosen, setChosen, points, t)}>
            <Picture src={url} alt={t('try.your_photo')} />
          </Overlay>
        ) : !unreadable(asked.error) && (
          <div className="overlay waiting-photo">
            <Picture src={url} alt={t('try.your_photo')} />
            {asked.isPending && <Loader aria-label={t('common.loading')} />}
          </div>
        )}
        <Group mt="md" justify="space-between">
          {found && found.analysis.faces.length > 0 && <Checkbox label={t('try.points')} checked={points} onChange={(event) => setPoints(event.currentTarget.checked)} />}
          <Button variant="default" onClick={() => { setPhoto(null); reset(); }}>
            {t('try.another')}
          </Button>
        </Group>
      </div>
      <div aria-live="polite">
        <ProblemCard error={asked.error} />
        {found && <Answer found={found} chosen={chosen} />}
        {found && reason && somebody && found.people.length === 0 && <AskWhy busy={asked.isPending} onWhy={(why) => mutate({ photo, why })} />}
      </div>
    </div>
  );
}

function Answer({ found, chosen }: { found: Found; chosen: number }) {
  const { t } = useTranslation();
  const face = found.analysis.faces[chosen];
  if (!face) return <Text>{t('try.no_face')}</Text>;
  const n = found.analysis.faces.length;
  return (
    <>
      {n > 1 && <Text size="sm" className="soft" mb="xs">{t('try.several', { n })}</Text>}
      <FaceCard face={face} title={t('face.number', { n: chosen + 1 })} extra={<WhoIsIt found={found.people[chosen]} />} />
    </>
  );
}

function marksOf(found: Found, chosen: number, choose: (index: number) => void, points: boolean, t: (key: string) => string): Mark[] {
  return found.analysis.faces.map((face, index) => {
    const name = found.people[index]?.person?.name;
    const shown = face.expression.status === 'ok' ? t(`expression.${face.expression.label}`) : undefined;
    const poor = face.quality.status === 'ok' && face.quality.score < 35;
    return {
      key: index,
      box: face.detection.box,
      label: name ?? shown ?? `${index + 1}`,
      tone: name ? 'known' : poor ? 'poor' : 'open',
      active: index === chosen && found.analysis.faces.length > 1,
      points: points && face.landmark.status === 'ok' ? (face.landmark.points ?? face.detection.landmarks) : undefined,
      onClick: () => choose(index),
    };
  });
}
