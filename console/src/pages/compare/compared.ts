import { api, must, parts } from '../../api/client';
import { unreadable } from '../../api/problem';
import type { Comparison } from '../../api/types';

export interface Pair {
  first: File;
  second: File;
  fmr: number;
}

export type Which = 'first' | 'second' | 'both';

/** The comparison failed since photos cannot be read. which: of the two. */
export class UnreadablePhoto extends Error {
  constructor(
    readonly which: Which,
    override readonly cause: unknown,
  ) {
    super();
  }
}

/** Compares; where a photo cannot be read, asks of each by itself, for the service does not say which. */
export async function compared({ first, second, fmr }: Pair): Promise<Comparison> {
  try {
    return await must(api.POST('/v1/compare', { params: { query: { fmr } }, ...parts({ first, second }) }));
  } catch (error) {
    if (!unreadable(error)) throw error;
    const [one, two] = await Promise.all([fails(first), fails(second)]);
    if (!one && !two) throw error;
    throw new UnreadablePhoto(one && two ? 'both' : one ? 'first' : 'second', error);
  }
}

async function fails(photo: File): Promise<boolean> {
  try {
    await must(api.POST('/v1/analyze', parts({ photo })));
    return false;
  } catch (error) {
    return unreadable(error);
  }
}
