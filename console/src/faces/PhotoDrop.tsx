import { Button, FileButton } from '@mantine/core';
import { ImagePlusIcon } from 'lucide-react';
import { useEffect, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';

const TYPES = 'image/*,.heic,.heif';

function pictures(list: FileList | null | undefined): File[] {
  return [...(list ?? [])].filter((file) => file.type.startsWith('image/') || /\.(heic|heif|avif)$/i.test(file.name));
}

/** Where there are several places for photos, each button says which it is of. */
function named(button: string, label: string | undefined): string | undefined {
  return label && `${button}: ${label}`;
}

/** Takes photos by drop, by choice, and from the clipboard where `paste` says so. */
export function PhotoDrop({ onPhotos, many, paste, small, label }: { onPhotos: (photos: File[]) => void; many?: boolean; paste?: boolean; small?: boolean; label?: string }) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);

  useEffect(() => {
    if (!paste) return;
    const take = (event: ClipboardEvent) => {
      const found = pictures(event.clipboardData?.files);
      if (found.length) onPhotos(many ? found : found.slice(0, 1));
    };
    window.addEventListener('paste', take);
    return () => window.removeEventListener('paste', take);
  }, [paste, many, onPhotos]);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const found = pictures(event.dataTransfer.files);
    if (found.length) onPhotos(many ? found : found.slice(0, 1));
  };
  return (
    <div
      className={`drop${over ? ' over' : ''}${small ? ' small' : ''}`}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <ImagePlusIcon size={small ? 26 : 36} strokeWidth={1.3} aria-hidden />
      <p>{label ?? t(many ? 'drop.many' : 'drop.one')}</p>
      {many ? (
        <FileButton multiple accept={TYPES} onChange={(files) => files.length && onPhotos(files)}>
          {(props) => <Button variant="default" aria-label={named(t('drop.choose_many'), label)} {...props}>{t('drop.choose_many')}</Button>}
        </FileButton>
      ) : (
        <FileButton accept={TYPES} onChange={(file) => file && onPhotos([file])}>
          {(props) => <Button variant={small ? 'default' : 'filled'} aria-label={named(t('drop.choose'), label)} {...props}>{t('drop.choose')}</Button>}
        </FileButton>
      )}
      {paste && <p className="soft hint">{t('drop.paste')}</p>}
    </div>
  );
}
