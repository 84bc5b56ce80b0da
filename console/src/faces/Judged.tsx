import { useTranslation } from 'react-i18next';

import type { JudgedPhoto } from '../api/types';
import { Sentences } from '../shell/Original';
import { Thumb } from './Thumb';

const KNOWN = ['surplus', 'copy', 'unfit', 'duplicate', 'unlike', 'no-single-face'];

/** The photos that were not kept, each with why. files: the photos as they were sent, in their order. */
export function Judged({ photos, files }: { photos: readonly JudgedPhoto[]; files?: readonly Blob[] }) {
  const { t } = useTranslation();
  const left = photos.map((photo, index) => ({ photo, n: index + 1, file: files?.[index] })).filter(({ photo }) => !photo.kept);
  return (
    <ul className="judged plain">
      {left.map(({ photo, n, file }) => (
        <li key={n}>
          {file && <Thumb photo={file} label={t('enrol.photo', { n })} />}
          <div>
            <strong>{t('enrol.photo', { n })}{file instanceof File && ` · ${file.name}`}</strong>
            <span>{KNOWN.includes(photo.code) ? t(`judged.${photo.code}`) : t(`problem.${photo.code}`, { defaultValue: t('judged.other') })}</span>
            <Sentences lines={photo.reasons.length ? photo.reasons : photo.notes} />
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Those of the files that an operator who has looked can have taken all the same. */
export function undecided<File>(photos: readonly JudgedPhoto[], files: readonly File[]): File[] {
  return files.filter((_, index) => ['duplicate', 'unlike'].includes(photos[index]?.code ?? ''));
}
