const LONGEST_SECONDS = 1;

/** Short gaps, where bins are finer than frames, take the value before them; longer ones stay open. */
export function bridged(values: readonly (number | null)[], binSeconds: number): (number | null)[] {
  const most = Math.ceil(LONGEST_SECONDS / binSeconds);
  const filled = [...values];
  let last = -1;
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] === null) continue;
    if (last >= 0 && at - last <= most) filled.fill(values[last] ?? null, last + 1, at);
    last = at;
  }
  return filled;
}
