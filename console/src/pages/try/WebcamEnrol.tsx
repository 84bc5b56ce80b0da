import { Modal } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { EnrolForm } from '../people/EnrolForm';

/** Asks who it was that the webcam saw, and whether they agreed. */
export function WebcamEnrol({ photos, onClose, onDone }: { photos: Blob[]; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} size="lg" title={t('enrol.title')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <EnrolForm photos={photos} onDone={onDone} onCancel={onClose} />
    </Modal>
  );
}
