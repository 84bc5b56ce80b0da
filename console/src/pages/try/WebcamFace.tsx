import { useTranslation } from 'react-i18next';

import type { LiveFace } from '../../api/live';
import { ExpressionBars } from '../../faces/ExpressionBars';
import { QualityMeter } from '../../faces/QualityReport';
import { nameOf } from './WebcamTry';

/** What is known of one face before the camera, as of now. */
export function WebcamFace({ face }: { face: LiveFace }) {
  const { t } = useTranslation();
  const { label, probabilities } = face.expression;
  return (
    <section className="card face-card">
      <div className="block">
        <h3>{t('who.title')}</h3>
        <p className="headline">{nameOf(face) ?? t(face.identity?.answer ? `who.${face.identity.answer}` : 'who.not_yet')}</p>
      </div>
      {label && probabilities && <ExpressionBars expression={{ label, probabilities }} />}
      {face.quality !== null && (
        <div className="block">
          <h3>{t('face.quality')}</h3>
          <QualityMeter score={face.quality} />
        </div>
      )}
    </section>
  );
}
