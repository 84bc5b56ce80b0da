import { useQuery } from '@tanstack/react-query';
import { CameraIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { Empty } from '../../shell/Empty';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { CameraView } from './CameraView';
import { EventFeed } from './EventFeed';

const EVERY_MS = 5000;

export default function Live() {
  const { t } = useTranslation();
  const cameras = useQuery({ queryKey: ['cameras'], queryFn: () => must(api.GET('/v1/cameras')), refetchInterval: EVERY_MS });
  return (
    <>
      <PageHead title={t('live.title')} lead={t('live.lead')} />
      <ProblemCard error={cameras.error} />
      <div className="split live">
        <div className="stack">
          {cameras.data?.items.map((camera) => <CameraView key={camera.name} camera={camera} />)}
          {cameras.data?.items.length === 0 && (
            <Empty icon={<CameraIcon size={26} />} title={t('live.none')} text={t('live.none_text')}>
              <pre className="sample">{'[server.cameras]\ndoor = "rtsp://192.0.2.10/stream"'}</pre>
            </Empty>
          )}
        </div>
        <EventFeed />
      </div>
    </>
  );
}
