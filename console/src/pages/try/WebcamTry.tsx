import { Button, Group, Switch, Text } from '@mantine/core';
import { CameraIcon, UserPlusIcon } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { usePreferences } from '../../api/preferences';
import { useMay } from '../../api/session';
import { said } from '../../i18n';
import type { LiveFace, LiveMoment } from '../../api/live';
import { LiveSession } from '../../faces/liveSession';
import { Overlay, type Mark } from '../../faces/Overlay';
import { useWebcam } from '../../faces/useWebcam';
import { Empty } from '../../shell/Empty';
import { AskWhy } from './AskWhy';
import { WebcamEnrol } from './WebcamEnrol';
import { WebcamFace } from './WebcamFace';
import { useGoodFrames } from './useGoodFrames';

const STAGES = ['landmark', 'quality', 'embed', 'expression'];

export function WebcamTry() {
  const { t } = useTranslation();
  const [on, setOn] = useState(true);
  const [identify, setIdentify] = useState(true);
  const [round, setRound] = useState(0);
  const [moment, setMoment] = useState<LiveMoment | null>(null);
  const [ended, setEnded] = useState<{ reason: string; code: string } | null>(null);
  const { video, ready, refused } = useWebcam(on);
  const frames = useGoodFrames();
  const { offer } = frames;
  const may = useMay('operator');
  const demanded = usePreferences().data?.why_required;
  const [why, setWhy] = useState('');
  const asking = identify && demanded === true && !why;
  const naming = identify && !asking;

  useEffect(() => {
    if (!ready || demanded === undefined || !video.current) return;
    setEnded(null);
    const session = new LiveSession(video.current, { identify: naming, stages: STAGES, why }, {
      onMoment: (now, frame) => { setMoment(now); offer(now, frame); },
      onEnd: (reason, code) => { setMoment(null); setEnded({ reason, code }); },
    });
    return () => session.close();
  }, [ready, demanded, naming, why, round, video, offer]);

  if (refused) {
    return (
      <Empty icon={<CameraIcon size={26} />} title={t('webcam.refused')} text={t(`webcam.${refused === 'SecurityError' ? 'insecure' : refused === 'NotFoundError' ? 'none' : 'allow'}`)}>
        <Button onClick={() => { setOn(false); setTimeout(() => setOn(true)); }}>{t('common.again')}</Button>
      </Empty>
    );
  }
  const width = moment?.width ?? video.current?.videoWidth ?? 4;
  const height = moment?.height ?? video.current?.videoHeight ?? 3;
  const alone = moment?.faces.length === 1;
  return (
    <div className="split">
      <div>
        <Overlay width={width || 4} height={height || 3} marks={(moment?.faces ?? []).map((face) => markOf(face, t))} mirrored>
          <video ref={video} className="mirrored" muted playsInline aria-label={t('webcam.picture')} />
        </Overlay>
        <Group mt="md" justify="space-between">
          <Switch label={t('webcam.identify')} checked={identify} onChange={(event) => setIdentify(event.currentTarget.checked)} />
          {may && (
            <Button leftSection={<UserPlusIcon size={17} aria-hidden />} disabled={!alone || frames.busy} loading={frames.busy} onClick={frames.start}>
              {t('webcam.enrol')}
            </Button>
          )}
        </Group>
        <Text size="sm" className="soft" mt="sm" aria-live="polite">
          {ended ? t('webcam.ended', { reason: whyEnded(ended, t) }) : frames.busy ? t('webcam.hold') : !moment ? t('webcam.starting') : moment.faces.length === 0 ? t('webcam.nobody') : alone ? '' : t('webcam.alone')}
        </Text>
        {ended && <Button mt="xs" variant="default" onClick={() => setRound(round + 1)}>{t('common.again')}</Button>}
      </div>
      <div className="stack">
        {asking && <AskWhy busy={false} label={t('who.why_live')} onWhy={setWhy} />}
        {moment?.faces.map((face) => <WebcamFace key={face.track} face={face} />)}
      </div>
      {frames.photos && (
        <WebcamEnrol
          photos={frames.photos}
          onClose={() => frames.clear()}
          onDone={() => { frames.clear(); setIdentify(true); setRound((one) => one + 1); }}
        />
      )}
    </div>
  );
}

/** Without a reason the connection broke off; one that has no words in this language is told as it came. */
function whyEnded({ reason, code }: { reason: string; code: string }, t: (key: string, more?: { defaultValue: string }) => string): string {
  if (!reason) return t('webcam.lost');
  return said(reason) ?? t(`problem.${code}`, { defaultValue: reason });
}

export function nameOf(face: LiveFace): string | null {
  return face.identity?.name ?? null;
}

function markOf(face: LiveFace, t: (key: string) => string): Mark {
  const name = nameOf(face);
  const word = face.expression.label && t(`expression.${face.expression.label}`);
  return { key: face.track, box: face.box, label: name ?? word, tone: name ? 'known' : 'open' };
}
