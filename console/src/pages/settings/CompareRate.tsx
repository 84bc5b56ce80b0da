import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { usePreferences } from '../../api/preferences';
import { useMay } from '../../api/session';
import { oneIn } from '../../i18n';
import { RateCurve } from '../../plots/RateCurve';
import { useChange } from './useChange';

const RATES = [1e-2, 1e-3, 1e-4, 1e-5];

/** The error rate of comparisons of two photos, and the curve that it is read from. */
export function CompareRate() {
  const { t } = useTranslation();
  const administrator = useMay('administrator');
  const preferences = usePreferences();
  const change = useChange();
  const calibrations = useQuery({ queryKey: ['calibrations'], queryFn: () => must(api.GET('/v1/calibrations')), staleTime: Infinity });
  const fmr = preferences.data?.fmr ?? 1e-4;
  const calibration = calibrations.data?.items[0];
  const rates = [...new Set([fmr, ...RATES])].sort((one, two) => two - one);
  return (
    <section className="card verdict">
      <div>
        <h2 className="display">{t('dial.compare')}</h2>
        <p className="soft">{t('dial.compare_lead')}</p>
        <NativeSelect
          label={t('compare.rate')} value={String(fmr)} disabled={!administrator}
          data={rates.map((one) => ({ value: String(one), label: oneIn(one) }))}
          onChange={(event) => change.mutate({ fmr: Number(event.currentTarget.value) })}
        />
      </div>
      {calibration ? <RateCurve calibration={calibration} score={null} threshold={thresholdOf(calibration.curve, fmr)} asked={fmr} /> : <p className="soft">{t('dial.uncalibrated')}</p>}
    </section>
  );
}

/** Between two points of the curve the logarithm of the rate is a straight line. */
function thresholdOf(curve: readonly { score: number; fmr: number }[], fmr: number): number | null {
  for (let index = 1; index < curve.length; index += 1) {
    const [one, two] = [curve[index - 1], curve[index]];
    if (one && two && one.fmr >= fmr && two.fmr <= fmr && two.fmr > 0) {
      const share = Math.log(one.fmr / fmr) / Math.log(one.fmr / two.fmr || Math.E);
      return one.score + share * (two.score - one.score);
    }
  }
  return null;
}
