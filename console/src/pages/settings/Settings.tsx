import { Tabs } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useEffect, useRef } from 'react';
import { useNavigate, useParams } from 'react-router';

import { useMay } from '../../api/session';
import { PageHead } from '../../shell/PageHead';
import { Accounts } from './Accounts';
import { Dial } from './Dial';
import { General } from './General';
import { Keys } from './Keys';
import { Models } from './Models';
import { OwnPassword } from './OwnPassword';

const PARTS = ['general', 'rates', 'accounts', 'keys', 'models', 'me'] as const;

export default function Settings() {
  const { t } = useTranslation();
  const go = useNavigate();
  const { part = 'general' } = useParams();
  const administrator = useMay('administrator');
  const shown = PARTS.filter((one) => one !== 'accounts' || administrator);
  // On a phone the names of the parts are wider than the screen.
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [part]);
  const panels = { general: General, rates: Dial, accounts: Accounts, keys: Keys, models: Models, me: OwnPassword };
  return (
    <>
      <PageHead title={t('settings.title')} lead={t('settings.lead')} />
      <Tabs value={part} onChange={(value) => void go(`/settings/${value}`)} keepMounted={false} className="settings">
        <Tabs.List ref={list} mb="xl" aria-label={t('settings.parts')}>
          {shown.map((one) => <Tabs.Tab key={one} value={one}>{t(`settings.${one}`)}</Tabs.Tab>)}
        </Tabs.List>
        {shown.map((one) => {
          const Panel = panels[one];
          return <Tabs.Panel key={one} value={one}><Panel /></Tabs.Panel>;
        })}
      </Tabs>
    </>
  );
}
