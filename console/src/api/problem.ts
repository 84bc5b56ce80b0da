import type { JudgedPhoto } from './types';

/** RFC 9457 as the server sends it; `code` is stable, `cure` says what to do; `photos`: what speaks against each. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  cure: string;
  request_id: string;
  reasons: string[];
  photos: JudgedPhoto[];
}

export class ProblemError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfter: number | null = null,
  ) {
    super(problem.detail);
    this.name = 'ProblemError';
  }
}

export async function problemOf(response: Response): Promise<ProblemError> {
  const found = (await response.clone().json().catch(() => null)) as Partial<Problem> | null;
  const retry = Number(response.headers.get('Retry-After'));
  return new ProblemError(
    {
      status: response.status,
      code: found?.code ?? `http-${response.status}`,
      detail: found?.detail ?? response.statusText,
      cure: found?.cure ?? '',
      request_id: found?.request_id ?? response.headers.get('X-Request-Id') ?? '',
      reasons: found?.reasons ?? [],
      photos: found?.photos ?? [],
    },
    Number.isFinite(retry) && retry > 0 ? retry : null,
  );
}

/** What any error is to a reader; `fetch` gives a TypeError where nobody answers. */
export function asProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const offline = error instanceof TypeError;
  const detail = error instanceof Error ? error.message : String(error);
  return { status: 0, code: offline ? 'offline' : 'page', detail, cure: '', request_id: '', reasons: [], photos: [] };
}

/** Whether what failed is that a file cannot be read as a photo. */
export function unreadable(error: unknown): boolean {
  return /^image(-|$)/.test(asProblem(error).code);
}
