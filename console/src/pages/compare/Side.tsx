import type { CSSProperties } from 'react';

import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import type { Analysis } from '../../api/types';
import { Overlay } from '../../faces/Overlay';
import { PhotoDrop } from '../../faces/PhotoDrop';
import { QualityMeter } from '../../faces/QualityReport';
import { Picture } from '../../faces/Picture';
import { useObjectUrl } from '../../faces/useObjectUrl';

/** One of the two photos: the place for it, then the photo with the face that was compared. */
export function Side({ name, photo, take, analysis, face }: { name: string; photo: File | null; take: (photos: File[]) => void; analysis?: Analysis; face?: number | null }) {
  const { t } = useTranslation();
  const url = useObjectUrl(photo);
  if (!photo) return <PhotoDrop small onPhotos={take} label={name} />;
  const compared = face === null || face === undefined ? undefined : analysis?.faces[face];
  const quality = compared?.quality.status === 'ok' ? compared.quality : undefined;
  const marks = (analysis?.faces ?? []).map((one, index) => ({ key: index, box: one.detection.box, tone: index === face ? ('known' as const) : ('open' as const) }));
  return (
    <section className="card tight" aria-label={name}>
      {analysis ? (
        <div className="small-photo" style={{ '--ratio': analysis.width / analysis.height } as CSSProperties}>
        <Overlay width={analysis.width} height={analysis.height} marks={marks}>
          <Picture src={url} alt={name} />
        </Overlay>
        </div>
      ) : (
        <div className="overlay small-photo"><Picture src={url} alt={name} /></div>
      )}
      {quality && <div className="block"><h3>{t('face.quality')}</h3><QualityMeter score={quality.score} /></div>}
      <Button mt="sm" variant="default" size="xs" onClick={() => take([])}>{t('compare.other')}</Button>
    </section>
  );
}
