import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import type { Person } from '../../api/types';
import { say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';

/** What happened to the record, the newest first. */
export function History({ person }: { person: Person }) {
  const { t } = useTranslation();
  const history = useQuery({
    queryKey: ['history', person.id, person.seq],
    queryFn: () => must(api.GET('/v1/people/{person_id}/history', { params: { path: { person_id: person.id } } })),
  });
  return (
    <section className="card">
      <h2 className="display">{t('history.title')}</h2>
      <ProblemCard error={history.error} />
      <ol className="timeline">
        {[...(history.data?.items ?? [])].reverse().map((event) => (
          <li key={event.seq}>
            <span>{t(`history.${event.kind}`, event.kind)}</span>
            <time className="soft" dateTime={event.at}>{say.time(event.at)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
