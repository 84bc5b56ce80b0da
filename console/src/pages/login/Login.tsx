import { Button, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Navigate, useLocation, useNavigate } from 'react-router';

import { api, must } from '../../api/client';
import { ProblemError } from '../../api/problem';
import { expectSession, sessionChanged, useSession } from '../../api/session';
import { Password } from '../../shell/Password';
import { ProblemCard } from '../../shell/ProblemCard';
import { Frame } from './Frame';

/** The organisation's login leads back here where it came to nothing; the address has the code alone. */
function refused(search: string): ProblemError | null {
  const code = new URLSearchParams(search).get('refused');
  if (!code || !/^[a-z-]{1,40}$/.test(code)) return null;
  return new ProblemError({ status: 401, code, detail: '', cure: '', request_id: '', reasons: [], photos: [] });
}

export default function Login() {
  const { t } = useTranslation();
  const go = useNavigate();
  const place = useLocation();
  const session = useSession();
  const back = (place.state as { back?: string } | null)?.back ?? '/';
  const form = useForm({ initialValues: { name: '', password: '' } });
  const login = useMutation({
    mutationFn: (body: { name: string; password: string }) => must(api.POST('/v1/session', { body })),
    onSuccess: async (found) => {
      await sessionChanged(found);
      await go(found.must_change_password ? '/welcome' : back, { replace: true });
    },
  });
  const oidc = document.querySelector<HTMLMetaElement>('meta[name="mien-oidc"]')?.content === 'yes';
  if (session.data && !login.isPending && !login.isSuccess) return <Navigate to={back} replace />;
  return (
    <Frame title={t('login.title')} lead={t('login.lead')}>
      <form onSubmit={form.onSubmit((values) => login.mutate(values))}>
        <Stack gap="md">
          <TextInput label={t('login.name')} autoComplete="username" autoFocus required maxLength={100} {...form.getInputProps('name')} />
          <Password label={t('login.password')} autoComplete="current-password" required {...form.getInputProps('password')} />
          <ProblemCard error={login.error ?? (login.isIdle ? refused(place.search) : null)} />
          <Button type="submit" size="md" loading={login.isPending}>
            {t('login.go')}
          </Button>
          {oidc && (
            <Button component="a" href="/v1/session/oidc" onClick={expectSession} variant="default" size="md">
              {t('login.oidc')}
            </Button>
          )}
        </Stack>
      </form>
    </Frame>
  );
}
