import type { ReactNode } from 'react';

/** What is wider than a phone scrolls sideways, by keyboard too. */
export function Scroller({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="scroller" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
