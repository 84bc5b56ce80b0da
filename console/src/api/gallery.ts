import { queryOptions, useQuery } from '@tanstack/react-query';

import { api, must } from './client';

export const galleryQuery = queryOptions({ queryKey: ['gallery'], queryFn: () => must(api.GET('/v1/gallery')), staleTime: 60_000 });

export function useGallery() {
  return useQuery(galleryQuery);
}
