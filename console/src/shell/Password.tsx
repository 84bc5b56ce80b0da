import { PasswordInput, type PasswordInputProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** A field for a password whose eye says what it does. */
export function Password(props: PasswordInputProps) {
  const { t } = useTranslation();
  return <PasswordInput maxLength={200} visibilityToggleButtonProps={{ 'aria-label': t('shell.show_password') }} {...props} />;
}
