import type { LoggedEvent } from './types';

const AGAIN_MS = 3000;

/** Reads /v1/events/stream until `signal`: kinds are open, which the browser's own EventSource cannot listen to. */
export async function readEvents(onEvent: (event: LoggedEvent) => void, onState: (open: boolean) => void, signal: AbortSignal): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    try {
      const response = await fetch('/v1/events/stream', { signal, headers: last ? { 'Last-Event-ID': last } : {} });
      if (response.status === 401 || response.status === 403) return onState(false);
      if (!response.ok || !response.body) throw new Error(String(response.status));
      onState(true);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let kept = '';
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        kept += value.replaceAll('\r\n', '\n');
        const blocks = kept.split('\n\n');
        kept = blocks.pop() ?? '';
        for (const block of blocks) last = take(block, onEvent) ?? last;
      }
    } catch {
      if (signal.aborted) return;
    }
    onState(false);
    await new Promise((next) => setTimeout(next, AGAIN_MS));
  }
}

function take(block: string, onEvent: (event: LoggedEvent) => void): string | undefined {
  const lines = block.split('\n');
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n');
  if (data) onEvent(JSON.parse(data) as LoggedEvent);
  return lines.find((line) => line.startsWith('id:'))?.slice(3).trim();
}
