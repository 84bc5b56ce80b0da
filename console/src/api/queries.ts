import { QueryClient } from '@tanstack/react-query';

import { asProblem } from './problem';

const PATIENCE_MS = 1500;

/** What the caller did wrong does not mend itself; a service that is busy, or still starting, has done nothing yet. */
function again(most: Record<number, number>) {
  return (count: number, error: Error) => count < (most[asProblem(error).status] ?? 0);
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 10_000, refetchOnWindowFocus: false, retry: again({ 0: 2, 503: 12 }), retryDelay: PATIENCE_MS },
    mutations: { retry: again({ 503: 6 }), retryDelay: PATIENCE_MS },
  },
});
