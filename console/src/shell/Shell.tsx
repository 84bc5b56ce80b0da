import { Loader } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, Outlet, useLocation, useNavigation } from 'react-router';

import { useSession } from '../api/session';
import { ProblemCard } from './ProblemCard';
import { Side } from './Side';
import { TabBar } from './TabBar';

/** The one-time link that `mien serve` prints. */
const WELCOME = /^#welcome=([\w.~-]+)$/;

/** Frame of every page for those who are logged in; others are led to log in and back. */
export function Shell() {
  const { t } = useTranslation();
  const place = useLocation();
  const session = useSession();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const moving = useNavigation().state !== 'idle';

  useEffect(() => {
    // Whoever reads by ear or moves by keyboard lands in the new page, not before the menu.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    window.scrollTo(0, 0);
  }, [place.pathname]);

  const welcome = WELCOME.exec(place.hash);
  if (welcome) return <Navigate to="/welcome" state={{ token: welcome[1] }} replace />;
  if (session.isPending) return <div className="waiting"><Loader aria-label={t('common.loading')} /></div>;
  if (session.error) return <div className="page"><ProblemCard error={session.error} retry={() => void session.refetch()} /></div>;
  if (!session.data) return <Navigate to="/login" state={{ back: place.pathname + place.search }} replace />;
  if (session.data.must_change_password) return <Navigate to="/welcome" replace />;
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>
        {t('shell.skip')}
      </a>
      <Side session={session.data} />
      <main id="main" ref={main} tabIndex={-1} className="page" aria-busy={moving}>
        <Outlet />
      </main>
      <TabBar session={session.data} />
    </div>
  );
}
