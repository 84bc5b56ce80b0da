import { useNavigate } from 'react-router';

import { api } from '../api/client';
import { sessionChanged } from '../api/session';

export function useLogOut(): () => Promise<void> {
  const go = useNavigate();
  return async () => {
    await api.DELETE('/v1/session').catch(() => undefined);
    await sessionChanged(null);
    await go('/login', { replace: true });
  };
}
