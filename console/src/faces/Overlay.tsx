import type { ReactNode } from 'react';

import type { Box } from '../api/types';

export interface Mark {
  key: string | number;
  box: Box;
  label?: string;
  tone?: 'known' | 'open' | 'poor';
  points?: readonly (readonly number[])[];
  onClick?: () => void;
  active?: boolean;
}

/** A picture or video of width x height pixels with frames over it, in the picture's own coordinates. */
export function Overlay({ width, height, marks, children, mirrored }: { width: number; height: number; marks: readonly Mark[]; children: ReactNode; mirrored?: boolean }) {
  return (
    <div className="overlay" style={{ aspectRatio: `${width} / ${height}` }}>
      {children}
      {marks.map((mark) => (
        <MarkBox key={mark.key} mark={mark} width={width} height={height} mirrored={mirrored} />
      ))}
      {marks.some((mark) => mark.points) && (
        <svg viewBox={`0 0 ${width} ${height}`} aria-hidden>
          {marks.flatMap((mark) =>
            (mark.points ?? []).map(([x = 0, y = 0], index) => (
              <circle key={`${mark.key}-${index}`} cx={x} cy={y} r={Math.max(mark.box.width / 130, 0.7)} />
            )),
          )}
        </svg>
      )}
    </div>
  );
}

function MarkBox({ mark, width, height, mirrored }: { mark: Mark; width: number; height: number; mirrored?: boolean }) {
  const { box, label, tone = 'open', active, onClick } = mark;
  const left = mirrored ? width - box.x - box.width : box.x;
  const style = {
    left: `${(left / width) * 100}%`,
    top: `${(box.y / height) * 100}%`,
    width: `${(box.width / width) * 100}%`,
    height: `${(box.height / height) * 100}%`,
  };
  const low = box.y / height > 0.1;
  const inside = label && <span className={low ? 'mark-label above' : 'mark-label'}>{label}</span>;
  const name = `mark ${tone}${active ? ' active' : ''}`;
  if (!onClick) return <div className={name} style={style}>{inside}</div>;
  return (
    <button type="button" className={name} style={style} onClick={onClick} aria-pressed={active} aria-label={label ?? String(mark.key)}>
      {inside}
    </button>
  );
}
