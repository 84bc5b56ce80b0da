import { Anchor, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { IdentifiedFace } from '../../api/types';

/** The name of a face, or why there is none. */
export function WhoIsIt({ found }: { found: IdentifiedFace | undefined }) {
  const { t } = useTranslation();
  if (!found) return null;
  const said = found.identification;
  return (
    <div className="block who-is-it">
      <h3>{t('who.title')}</h3>
      <p className="headline">
        {found.person ? (
          <Anchor component={Link} to={`/people/${found.person.id}`} inherit>
            {found.person.name}
          </Anchor>
        ) : (
          t(`who.${found.answer}`)
        )}
      </p>
      {'status' in said ? (
        <Text size="sm" className="soft">{said.reason}</Text>
      ) : (
        said.score !== null && said.threshold !== null && (
          <Text size="sm" className="soft num">
            {t(said.score >= said.threshold ? 'who.over' : 'who.under', { score: said.score.toFixed(2), threshold: said.threshold.toFixed(2) })}
          </Text>
        )
      )}
    </div>
  );
}
