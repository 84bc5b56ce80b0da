import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type uPlot from 'uplot';

import type { Calibration } from '../api/types';
import { oneIn } from '../i18n';
import { axis, colour, Plot } from './Plot';

/** From score to false match rate, with the threshold and the score at hand drawn in. */
export function RateCurve({ calibration, score, threshold, asked }: { calibration: Calibration; score: number | null; threshold: number | null; asked: number }) {
  const { t, i18n } = useTranslation();
  const data = useMemo<uPlot.AlignedData>(() => {
    const points = calibration.curve.filter((point) => point.fmr > 0);
    return [points.map((point) => point.score), points.map((point) => point.fmr)];
  }, [calibration]);
  const scores = data[0] as number[];
  // Far below zero lie no scores that anybody asks about.
  const low = Math.min(-0.2, score ?? 0) - 0.03;
  const high = Math.max(scores.at(-1) ?? 1, score ?? 0) + 0.25;
  const options = () => ({
    cursor: { show: false },
    legend: { show: false },
    scales: { x: { time: false, range: [low, high] as [number, number] }, y: { distr: 3 as const, log: 10 as const } },
    axes: [
      axis(t('curve.score')),
      axis(t('curve.fmr'), {
        size: 92,
        splits: (_: uPlot, __: number, least: number, most: number) => decades(least, most),
        values: (_: uPlot, ticks: number[]) => ticks.map((tick) => oneIn(tick)),
        filter: (_: uPlot, ticks: number[]) => ticks,
      }),
    ],
    series: [{}, { stroke: colour('soft'), width: 2, points: { show: false } }],
    hooks: {
      draw: [
        (plot: uPlot) => {
          if (threshold !== null) line(plot, threshold, colour('soft'), true, t('curve.threshold', { rate: oneIn(asked) }));
          if (score !== null) line(plot, score, colour('accent'), false, t('curve.this', { score: score.toFixed(3) }));
        },
      ],
    },
  });
  return <Plot key={`${i18n.language}-${score}-${threshold}`} data={data} options={options} label={t('curve.label')} />;
}

/** Every second power of ten between two rates. */
function decades(least: number, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(least)), Math.floor(Math.log10(most))];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index)).filter((tick) => Math.round(Math.log10(tick)) % 2 === 0);
}

function line(plot: uPlot, at: number, stroke: string, dashed: boolean, text: string): void {
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(at, 'x', true));
  const ratio = window.devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = stroke;
  ctx.lineWidth = 2 * ratio;
  ctx.setLineDash(dashed ? [5 * ratio, 4 * ratio] : []);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${dashed ? '' : '600 '}${12 * ratio}px system-ui, sans-serif`;
  const wide = ctx.measureText(text).width + 12 * ratio;
  // Low in the plot there is no curve left of the threshold, and high in it none right of it.
  const left = dashed ? x - wide > bbox.left : bbox.left + bbox.width - x < wide;
  const y = dashed && left ? bbox.top + bbox.height - 10 * ratio : bbox.top + (dashed ? 34 : 14) * ratio;
  // In a narrow plot the text may cross a line.
  ctx.fillStyle = colour('surface');
  ctx.fillRect(left ? x - wide : x + 2 * ratio, y - 12 * ratio, wide - 2 * ratio, 16 * ratio);
  ctx.fillStyle = stroke;
  ctx.textAlign = left ? 'right' : 'left';
  ctx.fillText(text, x + (left ? -6 : 6) * ratio, y);
  ctx.restore();
}
