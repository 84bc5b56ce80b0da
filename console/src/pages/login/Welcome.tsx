import { Button, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useLocation, useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import { sessionChanged, useSession } from '../../api/session';
import { Password } from '../../shell/Password';
import { ProblemCard } from '../../shell/ProblemCard';
import { Frame } from './Frame';

const SHORTEST = 10;

/** Behind the one-time link: the token becomes a session, and the session a password of one's own. */
export default function Welcome() {
  const { t } = useTranslation();
  const go = useNavigate();
  const token = (useLocation().state as { token?: string } | null)?.token;
  const session = useSession();
  const spent = useRef(false);
  const enter = useMutation({
    mutationFn: (given: string) => must(api.POST('/v1/session/welcome', { body: { token: given } })),
    onSuccess: async (found) => {
      await sessionChanged(found);
      // So that a reload does not spend the link a second time.
      await go('/welcome', { replace: true, state: null });
    },
  });
  const form = useForm({
    initialValues: { password: '', again: '' },
    validate: {
      password: (value) => (value.length < SHORTEST ? t('welcome.too_short', { n: SHORTEST }) : null),
      again: (value, values) => (value === values.password ? null : t('welcome.differs')),
    },
  });
  const choose = useMutation({
    mutationFn: (password: string) => must(api.PUT('/v1/session/password', { body: { old: '', new: password } })),
    onSuccess: async (found) => {
      await sessionChanged(found);
      await go('/', { replace: true });
    },
  });

  useEffect(() => {
    // The token works once; React may run this twice.
    if (token && !spent.current) {
      spent.current = true;
      enter.mutate(token);
    }
  }, [token, enter]);

  const choosing = session.data?.must_change_password ?? false;
  if (!token && session.isSuccess && !choosing) return <Navigate to={session.data ? '/' : '/login'} replace />;
  return (
    <Frame title={t('welcome.title')} lead={t('welcome.lead')}>
      {enter.error && !choosing ? (
        <Stack>
          <ProblemCard error={enter.error} />
          <Button variant="default" onClick={() => void go('/login', { replace: true })}>
            {t('welcome.to_login')}
          </Button>
        </Stack>
      ) : (
        <form onSubmit={form.onSubmit(({ password }) => choose.mutate(password))}>
          <Stack gap="md">
            {session.data && <Text size="sm">{t('welcome.who', { name: session.data.name })}</Text>}
            <input type="text" name="username" autoComplete="username" value={session.data?.name ?? ''} readOnly hidden />
            <Password label={t('welcome.password')} description={t('welcome.advice', { n: SHORTEST })} autoComplete="new-password" autoFocus required {...form.getInputProps('password')} />
            <Password label={t('welcome.again')} autoComplete="new-password" required {...form.getInputProps('again')} />
            <ProblemCard error={choose.error} />
            <Button type="submit" size="md" loading={choose.isPending} disabled={!session.data}>
              {t('welcome.go')}
            </Button>
          </Stack>
        </form>
      )}
    </Frame>
  );
}
