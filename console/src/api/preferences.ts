import { queryOptions, useQuery } from '@tanstack/react-query';

import { api, must } from './client';

/** What administrators chose for this tenant. */
export const preferencesQuery = queryOptions({ queryKey: ['preferences'], queryFn: () => must(api.GET('/v1/preferences')), staleTime: 60_000 });

export function usePreferences() {
  return useQuery(preferencesQuery);
}
