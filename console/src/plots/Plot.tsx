import 'uplot/dist/uPlot.min.css';

import { useComputedColorScheme } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot, { type AlignedData, type Options } from 'uplot';

import { say } from '../i18n';

/** A colour of the page's own, as it is in the present scheme. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** An axis in the page's hand. */
export function axis(label: string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  return {
    label,
    stroke: colour('soft'),
    font: '12px system-ui, sans-serif',
    labelFont: '12px system-ui, sans-serif',
    labelSize: 22,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    ...more,
  };
}

/** Seconds as a clock has them; no two ticks within one. */
export function timeAxis(label: string): uPlot.Axis {
  return axis(label, { incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400], values: (_, ticks) => ticks.map(say.seconds) });
}

/** A plot as wide as its place; `options` is called anew for each size, scheme and set of data. */
export function Plot({ data, options, height = 260, label }: { data: AlignedData; options: () => Omit<Options, 'width' | 'height'>; height?: number; label: string }) {
  const { ref: measure, width } = useElementSize<HTMLDivElement>();
  const place = useRef<HTMLDivElement | null>(null);
  const ref = useMergedRef(measure, place);
  const scheme = useComputedColorScheme('light');
  const make = useRef(options);
  make.current = options;
  const plot = useRef<uPlot | null>(null);
  const shown = width > 0;
  useEffect(() => {
    if (!shown || !place.current) return;
    const made = new uPlot({ ...make.current(), width: place.current.clientWidth, height }, data, place.current);
    plot.current = made;
    return () => { plot.current = null; made.destroy(); };
  }, [shown, height, data, scheme]);
  useEffect(() => {
    if (width) plot.current?.setSize({ width, height });
  }, [width, height]);
  return <div ref={ref} className="plot" role="img" aria-label={label} style={{ minHeight: height }} />;
}
