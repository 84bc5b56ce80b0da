import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import { LanguagesIcon, MonitorIcon, MoonIcon, SunIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { changeLanguage, language, LANGUAGES, type Language } from '../i18n';

const SCHEMES = { auto: MonitorIcon, light: SunIcon, dark: MoonIcon } as const;

export function LanguageSwitch() {
  const { t } = useTranslation();
  return (
    <Menu position="top-start" width={160}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.language')}>
          <LanguagesIcon size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(LANGUAGES) as Language[]).map((one) => (
          <Menu.Item
            key={one}
            lang={one === 'zh' ? 'zh-CN' : 'en'}
            aria-current={language() === one}
            fw={language() === one ? 600 : 400}
            onClick={() => void changeLanguage(one)}
          >
            {LANGUAGES[one]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

export function SchemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = SCHEMES[colorScheme];
  return (
    <Menu position="top-start" width={180}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.scheme')}>
          <Icon size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(SCHEMES) as (keyof typeof SCHEMES)[]).map((one) => {
          const One = SCHEMES[one];
          return (
            <Menu.Item
              key={one}
              leftSection={<One size={16} aria-hidden />}
              aria-current={colorScheme === one}
              fw={colorScheme === one ? 600 : 400}
              onClick={() => setColorScheme(one)}
            >
              {t(`shell.scheme_${one}`)}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
