import { useTranslation } from 'react-i18next';

import { say } from '../i18n';

interface Shown {
  label: string;
  probabilities: Record<string, number>;
}

/** What the face appears to show: the word first, then every class with its probability. */
export function ExpressionBars({ expression, rows = 4 }: { expression: Shown; rows?: number }) {
  const { t } = useTranslation();
  const sorted = Object.entries(expression.probabilities).sort((one, other) => other[1] - one[1]);
  return (
    <div className="block">
      <h3>{t('face.expression')}</h3>
      <p className="headline">{t(`expression.${expression.label}`, expression.label)}</p>
      <ul className="bars">
        {sorted.slice(0, rows).map(([label, share]) => (
          <li key={label}>
            <span>{t(`expression.${label}`, label)}</span>
            <span className="bar" aria-hidden><i style={{ width: `${share * 100}%` }} /></span>
            <span className="num">{say.percent(share)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
