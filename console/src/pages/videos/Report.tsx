import { Breadcrumbs, Button, Group } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { DownloadIcon, ExternalLinkIcon, Trash2Icon } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import type { AlignedData } from 'uplot';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import type { VideoResult } from '../../api/types';
import { say } from '../../i18n';
import { bridged } from '../../plots/bridged';
import { axis, colour, Plot, timeAxis } from '../../plots/Plot';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { RemoveVideo } from './RemoveVideo';
import { TrackCard } from './TrackCard';

const ENDED = ['done', 'failed', 'cancelled'];
const FILES = ['events', 'table', 'subtitles', 'annotated'] as const;

/** What a video comes to: how many were in view, and what each face showed over time. */
export default function Report() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const path = { job_id: id };
  const go = useNavigate();
  const client = useQueryClient();
  const operator = useMay('operator');
  const [leaving, setLeaving] = useState(false);
  const job = useQuery({ queryKey: ['video', id], queryFn: () => must(api.GET('/v1/videos/{job_id}', { params: { path } })) });
  const result = useQuery({ queryKey: ['result', id], queryFn: () => must(api.GET('/v1/videos/{job_id}/result', { params: { path } })), enabled: job.data?.state === 'done', staleTime: Infinity });
  const name = job.data?.name ?? '…';
  const found = result.data;
  const files = FILES.filter((file) => file !== 'annotated' || job.data?.annotate);
  return (
    <>
      <Breadcrumbs mb="md" className="crumbs"><Link to="/videos">{t('videos.title')}</Link><span>{name}</span></Breadcrumbs>
      <PageHead title={name}>
        <Group gap="xs">
        {job.data?.state === 'done' && (
          <Button component="a" href={`/v1/videos/${id}/report`} target="_blank" rel="noreferrer" variant="default" leftSection={<ExternalLinkIcon size={16} aria-hidden />}>{t('report.page')}</Button>
        )}
        {operator && job.data && ENDED.includes(job.data.state) && <Button variant="default" leftSection={<Trash2Icon size={16} aria-hidden />} onClick={() => setLeaving(true)}>{t('videos.remove')}</Button>}
        </Group>
      </PageHead>
      {job.data && <RemoveVideo job={job.data} opened={leaving} onClose={() => setLeaving(false)} onDone={() => { client.removeQueries({ queryKey: ['result', id] }); void go('/videos'); }} />}
      <ProblemCard error={job.error ?? result.error} />
      {job.data && job.data.state !== 'done' && <p className="soft">{t(`job.${job.data.state}`)}</p>}
      {found && (
        <div className="stack loose">
          <dl className="figures">
            <div><dt>{t('report.length')}</dt><dd className="num">{say.seconds(found.summary.seconds_analyzed)}</dd></div>
            <div><dt>{t('report.faces')}</dt><dd className="num">{say.number(found.summary.tracks.length + found.summary.tracks_left_out)}</dd></div>
            <div><dt>{t('report.most')}</dt><dd className="num">{say.number(Math.round(Math.max(0, ...(found.people?.values.people ?? []).map((value) => value ?? 0))))}</dd></div>
            <div><dt>{t('report.frames')}</dt><dd className="num">{say.number(found.summary.frames)}</dd></div>
          </dl>
          <div className="beside">
            {job.data?.annotate && <video className="annotated" controls preload="metadata" src={`/v1/videos/${id}/annotated`} aria-label={t('report.video', { name })} />}
            {found.people && <InView result={found} />}
          </div>
          {found.summary.tracks.map((track) => <TrackCard key={track.track} track={track} timeline={found.timelines.find((one) => one.track === track.track)} />)}
          {found.summary.tracks.length === 0 && <p className="soft">{t('report.nobody')}</p>}
          <Group gap="xs">
            {files.map((file) => <Button key={file} component="a" href={`/v1/videos/${id}/${file}?download=true`} variant="default" size="xs" leftSection={<DownloadIcon size={14} aria-hidden />}>{t(`report.${file}`)}</Button>)}
          </Group>
        </div>
      )}
    </>
  );
}

/** How many faces were in view over time. */
function InView({ result }: { result: VideoResult }) {
  const { t } = useTranslation();
  const data = useMemo<AlignedData>(() => {
    const { start_seconds, bin_seconds, values } = result.people ?? { start_seconds: 0, bin_seconds: 1, values: {} };
    const people = bridged(values.people ?? [], bin_seconds);
    return [people.map((_, index) => start_seconds + (index + 0.5) * bin_seconds), people];
  }, [result]);
  const options = () => ({
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false }, y: { range: (_: unknown, __: number, most: number): [number, number] => [0, Math.max(1, Math.ceil(most))] } },
    axes: [timeAxis(t('report.time')), axis(t('report.in_view'), { incrs: [1, 2, 5, 10, 20, 50, 100] })],
    series: [{}, { stroke: colour('accent'), fill: colour('accent-wash'), width: 2, points: { show: false } }],
  });
  return <section className="card"><h2 className="display">{t('report.in_view')}</h2><Plot data={data} options={options} height={200} label={t('report.in_view_label')} /></section>;
}
