import { Anchor, Button, Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { IdentifiedFace } from '../../api/types';
import { Sentences } from '../../shell/Original';

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
        <Sentences lines={[said.reason]} />
      ) : (
        <Reasons found={found} said={said} />
      )}
    </div>
  );
}

/** The score against the threshold, and whom it could be where that is open. */
function Reasons({ found, said }: { found: IdentifiedFace; said: components['schemas']['Identification'] }) {
  const { t } = useTranslation();
  if (said.score === null || said.threshold === null) return found.answer === 'inconclusive' ? <Doubt found={found} said={said} /> : null;
  const values = { score: said.score.toFixed(2), threshold: said.threshold.toFixed(2) };
  return (
    <>
      <Text size="sm" className="soft num">{t(said.score >= said.threshold ? 'who.over' : 'who.under', values)}</Text>
      {found.answer === 'inconclusive' && <Doubt found={found} said={said} />}
      {found.answer === 'inconclusive' && (
        <ul className="small-list">
          {said.candidates.map((one) => (
            <li key={one.person_id}>
              <Link to={`/people/${one.person_id}`}>{found.names[one.person_id] ?? one.person_id.slice(0, 6)}</Link> <span className="num">{one.score.toFixed(2)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Why it is not certain: two people who look alike, or what the service says. */
function Doubt({ found, said }: { found: IdentifiedFace; said: components['schemas']['Identification'] }) {
  const { t } = useTranslation();
  const name = (id: string) => found.names[id] ?? id.slice(0, 6);
  const { threshold } = said;
  const [one, two] = said.candidates.filter((each) => !each.not_this && threshold !== null && each.score >= threshold);
  // The service names both in one of its reasons; the score it tells first stands above already.
  const alike = one && two && said.reasons.some((reason) => reason.includes(name(one.person_id)) && reason.includes(name(two.person_id)));
  if (!alike) return <Sentences lines={said.reasons.filter((reason) => !reason.startsWith('The score '))} />;
  return (
    <>
      <Text size="sm" mt={4}>{t('who.alike', { one: name(one.person_id), two: name(two.person_id) })}</Text>
      <Button component={Link} to={`/people/${one.person_id}?with=${two.person_id}`} variant="default" size="xs" my="xs">{t('who.both')}</Button>
    </>
  );
}
