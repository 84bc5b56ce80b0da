import { Button, FileButton, Group, Progress, Switch, Text, TextInput } from '@mantine/core';
import { UploadIcon } from 'lucide-react';
import { useRef, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';

import { usePreferences } from '../../api/preferences';
import { uploadVideo } from '../../api/uploadVideo';
import { say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';

/** Takes a video by drop or choice and sends it, with its progress. */
export function UploadVideo({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  const [identify, setIdentify] = useState(false);
  const [why, setWhy] = useState('');
  const reason = usePreferences().data?.why_required ?? false;
  const demanded = identify && reason;
  const [sending, setSending] = useState<{ name: string; share: number } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  const send = async (file: File | null | undefined) => {
    if (!file || sending) return;
    stop.current = new AbortController();
    setError(null);
    setSending({ name: file.name, share: 0 });
    try {
      await uploadVideo(file, { identify, annotate: true, why: identify ? why.trim() : '' }, (share) => setSending({ name: file.name, share }), stop.current.signal);
      onDone();
    } catch (failure) {
      if (!(failure instanceof DOMException)) setError(failure);
    }
    setSending(null);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void send(event.dataTransfer.files[0]);
  };
  return (
    <div className={`drop small mb${over ? ' over' : ''}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      {sending ? (
        <div className="sending">
          <Text>{t('videos.sending', { name: sending.name, share: say.percent(sending.share) })}</Text>
          <Progress value={sending.share * 100} my="sm" aria-label={t('videos.progress')} />
          <Button variant="default" size="xs" onClick={() => stop.current?.abort()}>{t('common.cancel')}</Button>
        </div>
      ) : (
        <>
          <UploadIcon size={26} strokeWidth={1.3} aria-hidden />
          <p>{t('videos.drop')}</p>
          <Group justify="center">
            <FileButton accept="video/*" onChange={(file) => void send(file)}>
              {(props) => <Button {...props} disabled={demanded && !why.trim()}>{t('videos.choose')}</Button>}
            </FileButton>
            <Switch label={t('videos.identify')} checked={identify} onChange={(event) => setIdentify(event.currentTarget.checked)} />
          </Group>
          {demanded && <TextInput label={t('who.why')} description={t('who.why_hint')} required maxLength={500} value={why} onChange={(event) => setWhy(event.currentTarget.value)} />}
        </>
      )}
      <ProblemCard error={error} />
    </div>
  );
}
