import { Group, Text, UnstyledButton } from '@mantine/core';
import { LogOutIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink } from 'react-router';

import { usePreferences } from '../api/preferences';
import { useMay } from '../api/session';
import type { Session } from '../api/types';
import { PLACES } from './places';
import { LanguageSwitch, SchemeSwitch } from './Switches';
import { useLogOut } from './useLogOut';

export function Side({ session }: { session: Session }) {
  const { t } = useTranslation();
  const may = { viewer: useMay('viewer'), operator: useMay('operator'), administrator: useMay('administrator') };
  const logOut = useLogOut();
  const purpose = usePreferences().data?.purpose;
  return (
    <div className="side">
      <Link className="brand" to="/">
        <img src="/favicon.svg" alt="" />
        mien
      </Link>
      <nav aria-label={t('shell.menu')}>
        <ul className="nav">
          {PLACES.filter((place) => may[place.role]).map(({ to, name, icon: Icon }) => (
            <li key={to}>
              <NavLink to={to}>
                <Icon size={19} strokeWidth={1.7} aria-hidden />
                {t(`nav.${name}`)}
              </NavLink>
            </li>
          ))}
        </ul>
      </nav>
      <div className="side-foot">
        {purpose && <p className="purpose soft" title={purpose}>{purpose}</p>}
        <Group gap={4}>
          <LanguageSwitch />
          <SchemeSwitch />
        </Group>
        <div className="who">
          <div>
            <Text size="sm" fw={600} truncate>{session.name}</Text>
            <Text size="xs" className="soft">{t(`role.${session.role}`)}</Text>
          </div>
          <UnstyledButton aria-label={t('shell.log_out')} title={t('shell.log_out')} onClick={logOut}>
            <LogOutIcon size={18} aria-hidden />
          </UnstyledButton>
        </div>
      </div>
    </div>
  );
}
