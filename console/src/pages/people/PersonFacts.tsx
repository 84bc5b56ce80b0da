import { useTranslation } from 'react-i18next';

import type { Person } from '../../api/types';
import { say } from '../../i18n';

/** The consent and the dates of a person. */
export function PersonFacts({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { consent } = person;
  return (
    <section className="card">
      <h2 className="display">{t('person.consent')}</h2>
      <dl className="facts mt">
        {consent ? (
          <>
            <dt>{t('person.given_by')}</dt><dd>{consent.given_by}</dd>
            <dt>{t('person.purpose')}</dt><dd>{consent.purpose}</dd>
            <dt>{t('person.how')}</dt><dd>{consent.how}</dd>
            <dt>{t('person.given_at')}</dt><dd>{say.time(consent.given_at)}</dd>
            <dt>{t('person.until')}</dt><dd>{consent.until ? say.time(consent.until) : t('person.until_withdrawn')}</dd>
          </>
        ) : (
          <><dt>{t('person.given_by')}</dt><dd>{t('person.no_consent')}</dd></>
        )}
        {person.external_id && <><dt>{t('person.external_id')}</dt><dd>{person.external_id}</dd></>}
        <dt>{t('person.since')}</dt><dd>{say.time(person.created_at)}</dd>
      </dl>
    </section>
  );
}
