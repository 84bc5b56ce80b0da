import { Button, Group, Modal, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { ProblemCard } from './ProblemCard';

/** Asks before something that cannot be undone. */
export function Confirm({ opened, title, text, go, busy, error, onGo, onClose, children }: { opened: boolean; title: string; text: string; go: string; busy?: boolean; error?: unknown; onGo: () => void; onClose: () => void; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Text mb="md">{text}</Text>
      {children}
      <ProblemCard error={error} focus />
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose} data-autofocus>{t('common.cancel')}</Button>
        <Button color="red" loading={busy} onClick={onGo}>{go}</Button>
      </Group>
    </Modal>
  );
}
