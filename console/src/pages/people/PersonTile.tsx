import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Person } from '../../api/types';
import { Portrait } from '../../faces/Portrait';

export function PersonTile({ person }: { person: Person }) {
  const { t } = useTranslation();
  return (
    <Link className="person-tile" to={`/people/${person.id}`}>
      <Portrait person={person} />
      <strong>{person.name}</strong>
      <span className={person.expired ? 'bad-text' : 'soft'}>
        {person.expired ? t('person.expired') : person.groups[0] ?? t('people.photos', { count: person.n_templates, n: person.n_templates })}
      </span>
    </Link>
  );
}
