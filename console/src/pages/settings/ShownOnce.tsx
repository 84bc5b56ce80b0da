import { Button, Code, CopyButton, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** A secret that the service does not say again. */
export function ShownOnce({ title, text, secret, onClose }: { title: string; text: string; secret: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <section className="card once" role="status">
      <h2 className="display">{title}</h2>
      <p className="soft">{text}</p>
      <Code block>{secret}</Code>
      <Group mt="md">
        <CopyButton value={secret}>
          {({ copied, copy }) => <Button onClick={copy}>{t(copied ? 'common.copied' : 'common.copy')}</Button>}
        </CopyButton>
        <Button variant="default" onClick={onClose}>{t('common.done')}</Button>
      </Group>
    </section>
  );
}
