import { Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { MenuIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';

import { useMay } from '../api/session';
import type { Session } from '../api/types';
import { PLACES } from './places';
import { Side } from './Side';

const SHORT = ['/try', '/people', '/live', '/videos'];

/** The menu at the foot of a phone's screen; the rest is behind its last button. */
export function TabBar({ session }: { session: Session }) {
  const { t } = useTranslation();
  const [open, { open: show, close }] = useDisclosure();
  const operator = useMay('operator');
  const places = PLACES.filter((place) => SHORT.includes(place.to) && (place.role === 'viewer' || operator));
  // What is open behind the last button lights that one.
  const place = useLocation().pathname;
  const further = PLACES.some(({ to }) => !SHORT.includes(to) && place.startsWith(to));
  return (
    <>
      <nav className="tabbar" aria-label={t('shell.menu_short')}>
        {places.map(({ to, name, icon: Icon }) => (
          <NavLink key={to} to={to}>
            <Icon size={21} strokeWidth={1.7} aria-hidden />
            {t(`nav.${name}`)}
          </NavLink>
        ))}
        <button type="button" className={further ? 'active' : undefined} onClick={show} aria-haspopup="dialog">
          <MenuIcon size={21} strokeWidth={1.7} aria-hidden />
          {t('shell.more')}
        </button>
      </nav>
      <Drawer opened={open} onClose={close} size={264} title={t('shell.menu')} closeButtonProps={{ 'aria-label': t('common.close') }} onClick={(event) => (event.target as Element).closest('a') && close()} classNames={{ body: 'drawer' }}>
        <Side session={session} />
      </Drawer>
    </>
  );
}
