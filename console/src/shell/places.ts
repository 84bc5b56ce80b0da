import {
  IconArrowsDiff, IconCamera, IconListSearch, IconMovie, IconSettings, IconUserScan, IconUsers,
} from '@tabler/icons-react';

import type { Role } from '../api/types';

/** The pages in the order of the menu; role: who may see them at least. */
export const PLACES = [
  { to: '/try', name: 'try', icon: IconUserScan, role: 'operator' },
  { to: '/compare', name: 'compare', icon: IconArrowsDiff, role: 'operator' },
  { to: '/people', name: 'people', icon: IconUsers, role: 'viewer' },
  { to: '/live', name: 'live', icon: IconCamera, role: 'viewer' },
  { to: '/videos', name: 'videos', icon: IconMovie, role: 'viewer' },
  { to: '/settings', name: 'settings', icon: IconSettings, role: 'viewer' },
  { to: '/audit', name: 'audit', icon: IconListSearch, role: 'administrator' },
] as const satisfies readonly { to: string; name: string; icon: unknown; role: Role }[];
