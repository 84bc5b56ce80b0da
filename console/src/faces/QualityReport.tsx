import { Collapse, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { CheckIcon, ChevronDownIcon, XIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import type { Measure, Quality } from '../api/types';
import { say } from '../i18n';

/** How usable the photo is, and why; what is wrong is always open, what is right on demand. */
export function QualityReport({ quality }: { quality: Quality }) {
  const { t } = useTranslation();
  const [open, { toggle }] = useDisclosure();
  const poor = quality.measures.filter((measure) => !measure.passed);
  const good = quality.measures.filter((measure) => measure.passed);
  return (
    <div className="block">
      <h3>{t('face.quality')}</h3>
      <QualityMeter score={quality.score} />
      <ul className="measures">
        {poor.map((measure) => <Line key={measure.name} measure={measure} />)}
      </ul>
      <UnstyledButton className="more" onClick={toggle} aria-expanded={open}>
        <ChevronDownIcon size={15} aria-hidden className={open ? 'turned' : ''} />
        {t(poor.length ? 'quality.passed' : 'quality.all_fine', { count: good.length, n: good.length })}
      </UnstyledButton>
      <Collapse expanded={open}>
        <ul className="measures">
          {good.map((measure) => <Line key={measure.name} measure={measure} />)}
        </ul>
      </Collapse>
    </div>
  );
}

export function QualityMeter({ score }: { score: number }) {
  const { t } = useTranslation();
  const tone = score >= 60 ? 'good' : score >= 35 ? 'fair' : 'poor';
  return (
    <>
      <p className="headline">
        <span className="num">{Math.round(score)}</span>
        <small> / 100 · {t(`quality.${tone}`)}</small>
      </p>
      <span className={`meter ${tone}`} aria-hidden><i style={{ width: `${score}%` }} /></span>
    </>
  );
}

function Line({ measure }: { measure: Measure }) {
  const { t } = useTranslation();
  const Icon = measure.passed ? CheckIcon : XIcon;
  return (
    <li className={measure.passed ? 'passed' : 'failed'}>
      <Icon size={15} strokeWidth={2.2} aria-hidden />
      <span>
        {t(`measure.${measure.name}`, measure.name)}
        <small className="soft num"> {sentence(measure, t)}</small>
      </span>
    </li>
  );
}

function sentence(measure: Measure, t: (key: string, values?: Record<string, unknown>) => string): string {
  const unit = { '%': ' %', degrees: '°', px: ' px' }[measure.unit] ?? '';
  const digits = measure.unit === 'ratio' || measure.unit === 'belief' ? 2 : 0;
  const show = (value: number | null) => (value === null ? '–' : `${say.number(value, digits)}${unit}`);
  const value = show(measure.value);
  if (measure.low !== null && measure.high !== null) return t('quality.between', { value, low: show(measure.low), high: show(measure.high) });
  if (measure.low !== null) return t('quality.at_least', { value, low: show(measure.low) });
  return t('quality.at_most', { value, high: show(measure.high) });
}
