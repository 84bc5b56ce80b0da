import { useQuery } from '@tanstack/react-query';

import { api, must } from './client';

/** What administrators chose for this tenant, with the ETag that a change names. */
export function usePreferences() {
  return useQuery({ queryKey: ['preferences'], queryFn: () => must(api.GET('/v1/preferences')), staleTime: 60_000 });
}
