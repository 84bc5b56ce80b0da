import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { AlignedData } from 'uplot';

import type { TrackSummary, TrackTimeline } from '../../api/types';
import { say } from '../../i18n';
import { bridged } from '../../plots/bridged';
import { axis, Plot, timeAxis } from '../../plots/Plot';

// Legible on light and on dark; the order is that of the vocabulary of FER+.
const COLOURS: Record<string, string> = {
  neutral: '#8a8579', happiness: '#d39a12', surprise: '#2f9ea8', sadness: '#4f7fd0', anger: '#d0503f', disgust: '#7c9a3b', fear: '#9a62c4', contempt: '#c0638e',
  happy: '#d39a12', sad: '#4f7fd0', angry: '#d0503f',
};
const SHOWN = 4;

/** One face: who, how long, and its apparent expressions over time. */
export function TrackCard({ track, timeline }: { track: TrackSummary; timeline: TrackTimeline | undefined }) {
  const { t } = useTranslation();
  const identity = track.identity && 'answer' in track.identity ? track.identity : null;
  const title = identity?.name ?? t('report.face', { n: track.track });
  const labels = useMemo(() => {
    const means = Object.entries(timeline?.values ?? {}).filter(([label]) => label in COLOURS).map(([label, values]) => [label, values.reduce<number>((sum, value) => sum + (value ?? 0), 0)] as const);
    return means.sort((one, two) => two[1] - one[1]).slice(0, SHOWN).map(([label]) => label);
  }, [timeline]);
  const data = useMemo<AlignedData>(() => {
    const { start_seconds = 0, bin_seconds = 1, values = {} } = timeline ?? {};
    const length = Math.max(0, ...labels.map((label) => values[label]?.length ?? 0));
    return [Array.from({ length }, (_, index) => start_seconds + (index + 0.5) * bin_seconds), ...labels.map((label) => bridged(values[label] ?? [], bin_seconds))];
  }, [timeline, labels]);
  const options = () => ({
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false }, y: { range: [0, 1] as [number, number] } },
    axes: [timeAxis(t('report.time')), axis(t('report.probability'), { values: (_, ticks) => ticks.map((tick) => say.percent(tick)), size: 62 })],
    series: [{}, ...labels.map((label) => ({ stroke: COLOURS[label], width: 2, points: { show: false }, spanGaps: false }))],
  });
  const shares = Object.entries(track.expressions).filter(([, share]) => share >= 0.01).sort((one, two) => two[1] - one[1]);
  return (
    <section className="card">
      <h2 className="display">{title}</h2>
      <p className="soft num">{t('report.seen', { from: say.seconds(track.start_seconds), to: say.seconds(track.end_seconds) })}</p>
      {labels.length > 0 && (
        <>
          <ul className="legend plain">
            {labels.map((label) => <li key={label}><i style={{ background: COLOURS[label] }} aria-hidden />{t(`expression.${label}`, label)}</li>)}
          </ul>
          <Plot data={data} options={options} height={200} label={t('report.expression_label', { who: title })} />
        </>
      )}
      <p className="soft small num">{shares.map(([label, share]) => `${t(`expression.${label}`, label)} ${say.percent(share)}`).join(' · ')}</p>
    </section>
  );
}
