import { Button } from '@mantine/core';
import { CompassIcon, LockIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, Outlet } from 'react-router';

import { useMay } from '../api/session';
import type { Role } from '../api/types';
import { Empty } from './Empty';
import { PageHead } from './PageHead';

/** The first page that somebody may use. */
export function Home() {
  return <Navigate to={useMay('operator') ? '/try' : '/people'} replace />;
}

/** An address that the page does not know. */
export function NoSuchPage() {
  return <Nothing icon={<CompassIcon size={26} />} title="common.not_there" text="common.not_there_text" />;
}

/** Pages that need a role; whoever has it not is told, by the address alone they may have come. */
export function Only({ role }: { role: Role }) {
  const may = useMay(role);
  return may ? <Outlet /> : <Nothing icon={<LockIcon size={26} />} title="common.not_for_you" text="common.not_for_you_text" />;
}

function Nothing({ icon, title, text }: { icon: React.ReactNode; title: string; text: string }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t(title)} />
      <Empty icon={icon} text={t(text)}>
        <Button component={Link} to="/">{t('common.home')}</Button>
      </Empty>
    </>
  );
}
