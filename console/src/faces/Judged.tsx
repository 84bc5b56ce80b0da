import { useTranslation } from 'react-i18next';

import type { JudgedPhoto } from '../api/types';
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
            <span>{t(`judged.${word(photo.code)}`)}</span>
            {(photo.reasons.length ? photo.reasons : photo.notes).map((said) => <small key={said} className="soft" lang="en">{said}</small>)}
          </div>
        </li>
      ))}
    </ul>
  );
}

function word(code: string): string {
  if (KNOWN.includes(code)) return code;
  return code.startsWith('image') ? 'unreadable' : 'other';
}

/** Whether an operator who has looked can have the photos taken all the same. */
export function canInsist(photos: readonly JudgedPhoto[]): boolean {
  return photos.some(({ code }) => code === 'duplicate' || code === 'unlike');
}
