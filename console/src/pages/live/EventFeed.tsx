import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { readEvents } from '../../api/stream';
import type { LoggedEvent } from '../../api/types';
import { say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';

const MOST = 200;

/** The last events, and new ones as they happen. */
export function EventFeed() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [fresh, setFresh] = useState<LoggedEvent[]>([]);
  const [open, setOpen] = useState(false);
  const past = useInfiniteQuery({
    queryKey: ['events'],
    queryFn: ({ pageParam }) => must(api.GET('/v1/events', { params: { query: { limit: 30, cursor: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: Infinity,
    gcTime: 0,
  });
  useEffect(() => {
    const stop = new AbortController();
    void readEvents((event) => {
      setFresh((have) => [event, ...have].slice(0, MOST));
      if (event.kind.startsWith('camera_')) void client.invalidateQueries({ queryKey: ['cameras'] });
    }, setOpen, stop.signal);
    return () => stop.abort();
  }, [client]);
  const known = new Set(fresh.map((event) => event.seq));
  const all = [...fresh, ...(past.data?.pages.flatMap((page) => page.items) ?? []).filter((event) => !known.has(event.seq))];
  return (
    <section className="card feed">
      <h2 className="display">
        {t('events.title')} <span className={open ? 'dot on' : 'dot'} role="img" aria-label={t(open ? 'events.open' : 'events.closed')} title={t(open ? 'events.open' : 'events.closed')} />
      </h2>
      <ProblemCard error={past.error} />
      {past.isSuccess && all.length === 0 && <p className="soft">{t('events.none')}</p>}
      <ol className="timeline" aria-live="polite" aria-relevant="additions">
        {all.map((event) => (
          <li key={event.seq}>
            <span>{title(event, t)} <span className="soft">{about(event, t)}</span></span>
            <time className="soft" dateTime={event.at}>{say.clock(event.at)}</time>
          </li>
        ))}
      </ol>
      {past.hasNextPage && <Button size="xs" variant="default" mt="sm" onClick={() => void past.fetchNextPage()}>{t('common.more')}</Button>}
    </section>
  );
}

/** What happened; a face that was looked up and not recognised says so. */
function title(event: LoggedEvent, t: (key: string, more?: { defaultValue: string }) => string): string {
  const { answer } = event.data as Record<string, unknown>;
  if (event.kind === 'identity' && (answer === 'unknown' || answer === 'inconclusive')) return t(`who.${answer}`);
  return t(`event.${event.kind}`, { defaultValue: event.kind.replaceAll('_', ' ') });
}

/** What the event is about, as far as it can be said in a few words. */
function about(event: LoggedEvent, t: (key: string, fallback: string) => string): string {
  const { camera, name, label, source } = event.data as Record<string, unknown>;
  const words = [camera, name ?? source, typeof label === 'string' ? t(`expression.${label}`, label) : undefined];
  return words.filter((word) => typeof word === 'string' && word).join(' · ');
}
