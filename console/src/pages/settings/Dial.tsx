import { Button, Slider } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { usePreferences } from '../../api/preferences';
import { useMay } from '../../api/session';
import { oneIn, say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';
import { CompareRate } from './CompareRate';
import { useChange } from './useChange';

const RATES = [0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.002, 0.001, 0.0005, 0.0003, 0.0002, 0.0001];

function nearest(rate: number): number {
  const distance = RATES.map((one) => Math.abs(Math.log(one / rate)));
  return distance.indexOf(Math.min(...distance));
}

/** The error rate of searches, with what it means among the people who are enrolled now. */
export function Dial() {
  const { t } = useTranslation();
  const administrator = useMay('administrator');
  const preferences = usePreferences();
  const change = useChange();
  const [chosen, setChosen] = useState<number | null>(null);
  const dial = useQuery({ queryKey: ['dial'], queryFn: () => must(api.GET('/v1/gallery/dial', { params: { query: { fpir: RATES } } })) });
  const now = preferences.data ? nearest(preferences.data.fpir) : 4;
  const at = chosen ?? now;
  const point = dial.data?.points[at];
  const rate = RATES[at] ?? 0.01;
  return (
    <div className="stack loose">
      <ProblemCard error={dial.error ?? preferences.error} />
      <section className="card dial">
        <div>
          <h2 className="display">{t('dial.title')}</h2>
          <p className="soft">{t('dial.lead')}</p>
          <Slider
            my="xl" min={0} max={RATES.length - 1} step={1} value={at} onChange={setChosen} disabled={!administrator} label={null}
            thumbLabel={t('dial.title')} thumbProps={{ 'aria-valuetext': oneIn(rate) }} marks={[{ value: 0 }, { value: 4 }, { value: 8 }, { value: 12 }]}
          />
          <div className="ends soft"><span>{t('dial.lenient')}</span><span>{t('dial.strict')}</span></div>
        </div>
        <div aria-live="polite">
          <p className="dial-number">{oneIn(rate)}</p>
          <p>{point && dial.data && (dial.data.n_people === 0 ? t('dial.nobody') : t('dial.meaning', { n: say.number(point.per_1000, point.per_1000 < 1 ? 1 : 0), people: say.number(dial.data.n_people), count: dial.data.n_people }))}</p>
          {point?.supported && point.threshold !== null && <p className="soft num">{t('dial.threshold', { score: point.threshold.toFixed(3) })}</p>}
          {point && !point.supported && (dial.data?.n_people ?? 0) > 0 && <p className="bad-text">{t('dial.unsupported', { rate: dial.data?.smallest_fpir ? oneIn(dial.data.smallest_fpir) : '–' })}</p>}
        </div>
      </section>
      <ProblemCard error={change.error} />
      {administrator && (
        <Button className="start" disabled={at === now || !(point?.supported || dial.data?.n_people === 0)} loading={change.isPending} onClick={() => change.mutate({ fpir: rate })}>
          {t('dial.use')}
        </Button>
      )}
      <CompareRate />
    </div>
  );
}
