import { useCallback, useRef, useState } from 'react';

import type { LiveMoment } from '../../api/live';

const WANTED = 4;
const LONGEST_MS = 7000;
const APART_MS = 350;

interface Shot {
  frame: Blob;
  quality: number;
}

/** Collects the best frames with one face for some seconds; `photos` is there when they are together. */
export function useGoodFrames() {
  const [busy, setBusy] = useState(false);
  const [photos, setPhotos] = useState<Blob[] | null>(null);
  const taking = useRef<{ until: number; next: number; shots: Shot[] } | null>(null);

  const start = useCallback(() => {
    taking.current = { until: Date.now() + LONGEST_MS, next: 0, shots: [] };
    setBusy(true);
  }, []);

  const offer = useCallback((moment: LiveMoment, frame: Blob) => {
    const now = Date.now();
    const run = taking.current;
    if (!run) return;
    const [only, other] = moment.faces;
    if (only && !other && !only.predicted && now >= run.next) {
      run.shots.push({ frame, quality: only.quality ?? 0 });
      run.next = now + APART_MS;
    }
    if (run.shots.length < WANTED * 2 && now < run.until) return;
    taking.current = null;
    setBusy(false);
    run.shots.sort((one, two) => two.quality - one.quality);
    if (run.shots.length) setPhotos(run.shots.slice(0, WANTED).map((shot) => shot.frame));
  }, []);

  const clear = useCallback(() => setPhotos(null), []);
  return { busy, photos, start, offer, clear };
}
