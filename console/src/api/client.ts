import createClient, { type Middleware } from 'openapi-fetch';

import { problemOf } from './problem';
import type { paths } from './schema';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

let csrf = '';
// Under which session each request was sent: a late refusal of the last one says nothing of the one that has begun.
const sentUnder = new WeakMap<Request, string>();
let expired: () => void = () => {};

/** The token of the session; every request that changes something carries it. */
export function useToken(token: string): void {
  csrf = token;
}

/** Called when the server no longer knows the session. */
export function onExpired(then: () => void): void {
  expired = then;
}

/** What a request that changes something must carry. */
export function signed(): Record<string, string> {
  return csrf ? { 'X-CSRF-Token': csrf } : {};
}

export function sessionEnded(path: string): void {
  if (!path.startsWith('/v1/session')) expired();
}

const guard: Middleware = {
  onRequest({ request }) {
    sentUnder.set(request, csrf);
    if (SAFE.has(request.method)) return;
    for (const [name, value] of Object.entries(signed())) request.headers.set(name, value);
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    if (response.status === 401 && sentUnder.get(request) === csrf) sessionEnded(new URL(request.url).pathname);
    throw await problemOf(response);
  },
};

export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: 'same-origin' });
api.use(guard);

/** The answer of a call that throws a ProblemError where it fails. */
export async function must<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}

/** A body of files beside fields; the types of the schema know no Blob. */
export function parts(fields: Record<string, Blob | string | readonly Blob[]>): { body: never; bodySerializer: () => FormData } {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of Array.isArray(value) ? value : [value]) form.append(name, one as Blob);
  }
  return { body: {} as never, bodySerializer: () => form };
}

/** A key under which a repeated request is done once. */
export function once(): { 'Idempotency-Key': string } {
  return { 'Idempotency-Key': crypto.randomUUID() };
}
