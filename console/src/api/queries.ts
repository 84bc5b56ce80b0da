import { QueryClient } from '@tanstack/react-query';

import { onExpired } from './client';
import { asProblem } from './problem';

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // What the caller did wrong does not mend itself; a busy server does.
      retry: (count, error) => count < 2 && [0, 503].includes(asProblem(error).status),
    },
  },
});

onExpired(() => {
  localStorage.removeItem('mien-session');
  queries.setQueryData(['session'], null);
});
