import { useTranslation } from 'react-i18next';

import type { Calibration, Decision } from '../../api/types';
import { oneIn } from '../../i18n';
import { RateCurve } from '../../plots/RateCurve';

const WORD = { match: 'match', 'no match': 'no_match', inconclusive: 'inconclusive' } as const;

/** The answer in words, what it rests on, and where the score lies. */
export function Verdict({ decision, calibration }: { decision: Decision; calibration: Calibration | undefined }) {
  const { t, i18n } = useTranslation();
  const word = WORD[decision.answer];
  const rate = decision.fmr && 'value' in decision.fmr ? decision.fmr.value : null;
  const plain = decision.score !== null && decision.threshold !== null
    ? t(decision.score >= decision.threshold ? 'verdict.over' : 'verdict.under', {
        score: decision.score.toFixed(3), threshold: decision.threshold.toFixed(3), asked: oneIn(decision.asked_fmr), rate: rate === null ? '–' : oneIn(rate),
      })
    : '';
  return (
    <section className="card verdict">
      <div>
        <p className={`verdict-word ${word}`}>{t(`verdict.${word}`)}</p>
        <p>{plain}</p>
        {(word === 'inconclusive' || i18n.language === 'en') && (
          <ul className="reasons" lang="en">
            {decision.reasons.map((reason) => <li key={reason}>{reason}</li>)}
          </ul>
        )}
        <p className="soft">{t('verdict.based', { what: decision.based_on })}</p>
      </div>
      {calibration && <RateCurve calibration={calibration} score={decision.score} threshold={decision.threshold} asked={decision.asked_fmr} />}
    </section>
  );
}
