import { Button, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { sessionChanged } from '../../api/session';
import { Password } from '../../shell/Password';
import { ProblemCard } from '../../shell/ProblemCard';

export function OwnPassword() {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { old: '', new: '', again: '' },
    validate: {
      new: (value) => (value.length < 10 ? t('welcome.too_short', { n: 10 }) : null),
      again: (value, values) => (value === values.new ? null : t('welcome.differs')),
    },
  });
  const change = useMutation({
    mutationFn: (fields: { old: string; new: string }) => must(api.PUT('/v1/session/password', { body: { old: fields.old, new: fields.new } })),
    onSuccess: async (found) => {
      form.reset();
      await sessionChanged(found);
      notifications.show({ message: t('settings.password_changed') });
    },
  });
  return (
    <form onSubmit={form.onSubmit((fields) => change.mutate(fields))}>
      <Stack maw={400}>
        <Password label={t('settings.old_password')} required autoComplete="current-password" {...form.getInputProps('old')} />
        <Password label={t('welcome.password')} description={t('welcome.advice', { n: 10 })} required autoComplete="new-password" {...form.getInputProps('new')} />
        <Password label={t('welcome.again')} required autoComplete="new-password" {...form.getInputProps('again')} />
        <ProblemCard error={change.error} />
        <Button type="submit" loading={change.isPending} className="start">{t('settings.change_password')}</Button>
      </Stack>
    </form>
  );
}
