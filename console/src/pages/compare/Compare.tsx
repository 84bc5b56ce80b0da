import { Button, NativeSelect } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { usePreferences } from '../../api/preferences';
import { oneIn } from '../../i18n';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { compared, UnreadablePhoto } from './compared';
import { Side } from './Side';
import { Verdict } from './Verdict';

const RATES = [1e-2, 1e-3, 1e-4, 1e-5];

export default function Compare() {
  const { t } = useTranslation();
  const preferences = usePreferences();
  const [first, setFirst] = useState<File | null>(null);
  const [second, setSecond] = useState<File | null>(null);
  const [fmr, setFmr] = useState<number | null>(null);
  const rate = fmr ?? preferences.data?.fmr ?? 1e-4;
  const calibrations = useQuery({ queryKey: ['calibrations'], queryFn: () => must(api.GET('/v1/calibrations')), staleTime: Infinity });
  const compare = useMutation({ mutationFn: compared });
  const { mutate, reset } = compare;
  useEffect(() => {
    if (first && second) mutate({ first, second, fmr: rate });
    else reset();
  }, [first, second, rate, mutate, reset]);
  const takeFirst = useCallback((photos: File[]) => setFirst(photos[0] ?? null), []);
  const takeSecond = useCallback((photos: File[]) => setSecond(photos[0] ?? null), []);
  const found = compare.data;
  const unread = compare.error instanceof UnreadablePhoto ? compare.error : null;
  const calibration = calibrations.data?.items.find((one) => one.id === found?.decision.calibration_id);
  const rates = [...new Set([rate, ...RATES])].sort((one, two) => two - one);
  return (
    <>
      <PageHead title={t('compare.title')} lead={t('compare.lead')}>
        <NativeSelect
          label={t('compare.rate')}
          value={String(rate)}
          data={rates.map((one) => ({ value: String(one), label: oneIn(one) }))}
          onChange={(event) => setFmr(Number(event.currentTarget.value))}
        />
      </PageHead>
      <div className="pair">
        <Side name={t('compare.first')} photo={first} take={takeFirst} analysis={found?.first} face={found?.first_face} />
        <Side name={t('compare.second')} photo={second} take={takeSecond} analysis={found?.second} face={found?.second_face} />
      </div>
      <div aria-live="polite" className="verdict-place">
        {unread ? <ProblemCard error={unread.cause} title={t(`compare.${unread.which}_unreadable`)} /> : <ProblemCard error={compare.error} />}
        {found && <Verdict found={found} calibration={calibration} />}
      </div>
      {(first || second) && (
        <Button mt="lg" variant="default" onClick={() => { setFirst(null); setSecond(null); }}>
          {t('compare.again')}
        </Button>
      )}
    </>
  );
}
