import { useTranslation } from 'react-i18next';

import type { Calibration, Comparison } from '../../api/types';
import { oneIn, said } from '../../i18n';
import { RateCurve } from '../../plots/RateCurve';
import { Sentences } from '../../shell/Original';

const WORD = { match: 'match', 'no match': 'no_match', inconclusive: 'inconclusive' } as const;

/** The answer in words, what it rests on, and where the score lies. */
export function Verdict({ found, calibration }: { found: Comparison; calibration: Calibration | undefined }) {
  const { t } = useTranslation();
  const { decision } = found;
  const word = WORD[decision.answer];
  const rate = decision.fmr && 'value' in decision.fmr ? decision.fmr.value : null;
  const faceless = [found.first.faces.length === 0 && 'first', found.second.faces.length === 0 && 'second'].filter((one) => one !== false);
  const plain = faceless.length
    ? t(`verdict.${faceless.length > 1 ? 'both' : faceless[0]}_no_face`)
    : decision.score !== null && decision.threshold !== null
      ? t(decision.score >= decision.threshold ? 'verdict.over' : 'verdict.under', {
          score: decision.score.toFixed(3), threshold: decision.threshold.toFixed(3), asked: oneIn(decision.asked_fmr), rate: rate === null ? '–' : oneIn(rate),
        })
      : '';
  // The sentence above has what the service says of faces that are missing, and of score and threshold.
  const reasons = faceless.length ? [] : decision.reasons.filter((reason) => !plain || !reason.startsWith('The score '));
  return (
    <section className="card verdict">
      <div>
        <p className={`verdict-word ${word}`}>{t(`verdict.${word}`)}</p>
        {plain && <p>{plain}</p>}
        <Sentences lines={reasons} className="sentence soft" />
        {decision.score !== null && <p className="soft">{t('verdict.based', { what: said(decision.based_on) ?? decision.based_on })}</p>}
      </div>
      {calibration && decision.score !== null && <RateCurve calibration={calibration} score={decision.score} threshold={decision.threshold} asked={decision.asked_fmr} />}
    </section>
  );
}
