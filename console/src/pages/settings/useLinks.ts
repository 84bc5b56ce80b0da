import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';

export interface OneTimeLink {
  name: string;
  link: string;
}

/** The one-time links that were made on this visit, the newest first; logging out forgets them as all else. */
export function useLinks() {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: ['links'], queryFn: (): OneTimeLink[] => [], enabled: false, initialData: [], gcTime: Infinity });
  const set = useCallback((next: (have: OneTimeLink[]) => OneTimeLink[]) => {
    client.setQueryData<OneTimeLink[]>(['links'], (have) => next(have ?? []));
  }, [client]);
  return [data, set] as const;
}
