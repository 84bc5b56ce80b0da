import { Badge, Group } from '@mantine/core';
import { VideoOffIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Camera } from '../../api/types';
import { say } from '../../i18n';
import { Trouble } from '../../shell/Trouble';

const EVERY_MS = 2000;
const NOBODY = { running: 'live.nobody', starting: 'live.starting_text', lost: 'live.lost_text' } as const;
const COLOURS = { running: 'pine', starting: 'gray', lost: 'red' } as const;

/** One camera: its latest picture with boxes and words, and who is in view. */
export function CameraView({ camera }: { camera: Camera }) {
  const { t } = useTranslation();
  const [turn, setTurn] = useState(0);
  const shows = camera.state === 'running' && camera.frames > 0;
  useEffect(() => {
    if (!shows) return;
    const timer = setInterval(() => { if (!document.hidden) setTurn((one) => one + 1); }, EVERY_MS);
    return () => clearInterval(timer);
  }, [shows]);
  const names = camera.faces.map((face) => face.identity && 'name' in face.identity && face.identity.name ? face.identity.name : t('live.somebody'));
  return (
    <section className="card tight" aria-label={camera.name}>
      <Group justify="space-between" mb="sm">
        <h2 className="display">{camera.name}</h2>
        <Badge variant="light" color={COLOURS[camera.state]}>{t(`live.${camera.state}`)}</Badge>
      </Group>
      <div className="overlay camera">
        {shows ? <img src={`/v1/cameras/${encodeURIComponent(camera.name)}/picture?turn=${turn}`} alt={t('live.picture', { name: camera.name })} /> : <VideoOffIcon size={32} strokeWidth={1.3} aria-hidden />}
      </div>
      <p className="soft" aria-live="polite">
        {names.length ? t('live.in_view', { names: say.list(names) }) : (camera.state === 'running' || !camera.trouble) && t(NOBODY[camera.state])}
      </p>
      {camera.trouble && <Trouble code={camera.trouble_code} cause={camera.trouble} />}
      {camera.since && <p className="soft small">{t('live.since', { time: say.clock(camera.since) })}</p>}
    </section>
  );
}
