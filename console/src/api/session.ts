import { useQuery } from '@tanstack/react-query';

import { api, must, onExpired, useToken } from './client';
import { ProblemError } from './problem';
import { queries } from './queries';
import type { Role, Session } from './types';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, administrator: 2 };

// Whether this browser may have a session: those who never logged in are not asked for one, which would be an error.
const HINT = 'mien-session';

export function expectSession(): void {
  localStorage.setItem(HINT, '1');
}

async function fetchSession(): Promise<Session | null> {
  if (!localStorage.getItem(HINT)) return null;
  try {
    const session = await must(api.GET('/v1/session'));
    useToken(session.csrf);
    return session;
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status !== 401) throw error;
    localStorage.removeItem(HINT);
    return null;
  }
}

/** Who is logged in; null where nobody is. */
export function useSession() {
  return useQuery({ queryKey: ['session'], queryFn: fetchSession, staleTime: 60_000 });
}

// Tells the other tabs of this browser, whose session is the same.
const tabs = new BroadcastChannel('mien-session');

tabs.onmessage = ({ data }: MessageEvent<'in' | 'out'>) => {
  if (data === 'out') {
    void forgetAll(null);
    return;
  }
  // What the other tab has stored may not be seen here yet, or this tab, told late of a log-out, has just removed it.
  expectSession();
  void queries.resetQueries();
};

/** After logging in or out, or setting a password: nothing of whoever was here before stays. */
export async function sessionChanged(found: Session | null): Promise<void> {
  await forgetAll(found);
  tabs.postMessage(found ? 'in' : 'out');
}

async function forgetAll(found: Session | null): Promise<void> {
  if (found) expectSession();
  else localStorage.removeItem(HINT);
  useToken(found?.csrf ?? '');
  await queries.cancelQueries();
  if (!found) queries.setQueryData(['session'], null);
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
  queries.setQueryData(['session'], found);
}

onExpired(() => void forgetAll(null));

/** Whether the one who is logged in has at least this role. */
export function useMay(role: Role): boolean {
  const { data } = useSession();
  return !!data && RANK[data.role as Role] >= RANK[role];
}
