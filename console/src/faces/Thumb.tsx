import { CloseButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { Picture } from './Picture';
import { useObjectUrl } from './useObjectUrl';

export function Thumb({ photo, label, onRemove }: { photo: Blob; label: string; onRemove?: () => void }) {
  const { t } = useTranslation();
  const url = useObjectUrl(photo);
  return (
    <div className="thumb">
      <Picture src={url} alt={label} />
      {onRemove && <CloseButton size="sm" className="thumb-close" aria-label={t('enrol.leave_out', { what: label })} onClick={onRemove} />}
    </div>
  );
}
