import { useQuery } from '@tanstack/react-query';

import { api, must } from './client';

export function useGallery() {
  return useQuery({ queryKey: ['gallery'], queryFn: () => must(api.GET('/v1/gallery')), staleTime: 60_000 });
}
