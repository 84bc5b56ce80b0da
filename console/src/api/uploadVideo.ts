import { sessionEnded, signed } from './client';
import { ProblemError } from './problem';
import type { Job } from './types';

/** Sends a video as it is; `fetch` tells nothing of how far an upload is, so that this asks the older way. */
export function uploadVideo(file: File, options: { identify: boolean; annotate: boolean; why: string }, onProgress: (share: number) => void, signal: AbortSignal): Promise<Job> {
  const query = new URLSearchParams({ name: file.name.slice(0, 200), identify: String(options.identify), annotate: String(options.annotate), why: options.why });
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/v1/videos?${query}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.setRequestHeader('Idempotency-Key', crypto.randomUUID());
    for (const [name, value] of Object.entries(signed())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300) return done(JSON.parse(request.responseText) as Job);
      if (request.status === 401) sessionEnded('/v1/videos');
      fail(problemFrom(request));
    };
    request.onerror = () => fail(new TypeError('network'));
    request.onabort = () => fail(new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

function problemFrom(request: XMLHttpRequest): ProblemError {
  const empty = { status: request.status, code: `http-${request.status}`, detail: request.statusText, cure: '', request_id: '', reasons: [], photos: [] };
  try {
    return new ProblemError({ ...empty, ...(JSON.parse(request.responseText) as object) });
  } catch {
    return new ProblemError(empty);
  }
}
