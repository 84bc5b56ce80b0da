import { ArrowLeftRightIcon, CameraIcon, FilmIcon, ScanFaceIcon, SettingsIcon, TextSearchIcon, UsersIcon } from 'lucide-react';

import type { Role } from '../api/types';

/** The pages in the order of the menu; role: who may see them at least. */
export const PLACES = [
  { to: '/try', name: 'try', icon: ScanFaceIcon, role: 'operator' },
  { to: '/compare', name: 'compare', icon: ArrowLeftRightIcon, role: 'operator' },
  { to: '/people', name: 'people', icon: UsersIcon, role: 'viewer' },
  { to: '/live', name: 'live', icon: CameraIcon, role: 'viewer' },
  { to: '/videos', name: 'videos', icon: FilmIcon, role: 'viewer' },
  { to: '/settings', name: 'settings', icon: SettingsIcon, role: 'viewer' },
  { to: '/audit', name: 'audit', icon: TextSearchIcon, role: 'administrator' },
] as const satisfies readonly { to: string; name: string; icon: unknown; role: Role }[];
