import { Button, NumberInput, Stack, Switch, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';

import { usePreferences } from '../../api/preferences';
import { useMay } from '../../api/session';
import type { Preferences } from '../../api/types';
import { ProblemCard } from '../../shell/ProblemCard';
import { useChange } from './useChange';

/** What faces are processed for, and how long what comes of it is kept. */
export function General() {
  const preferences = usePreferences();
  if (preferences.error) return <ProblemCard error={preferences.error} />;
  return preferences.data ? <Form key={JSON.stringify(preferences.data)} found={preferences.data} /> : null;
}

function Form({ found }: { found: Preferences }) {
  const { t } = useTranslation();
  const administrator = useMay('administrator');
  const change = useChange();
  const { purpose, why_required, event_days, result_days, audit_days } = found;
  const form = useForm({ initialValues: { purpose, why_required, event_days, result_days, audit_days } });
  const days = (name: 'event_days' | 'result_days' | 'audit_days') => (
    <NumberInput label={t(`settings.${name}`)} min={1} max={3650} allowDecimal={false} required suffix={` ${t('settings.days')}`} {...form.getInputProps(name)} />
  );
  return (
    <form onSubmit={form.onSubmit((fields) => change.mutate(fields))}>
      <fieldset disabled={!administrator} className="bare">
        <Stack maw={560} gap="lg">
          <Textarea label={t('settings.purpose')} description={t('settings.purpose_hint')} autosize minRows={3} maxLength={2000} {...form.getInputProps('purpose')} />
          <Switch label={t('settings.why_required')} description={t('settings.why_hint')} {...form.getInputProps('why_required', { type: 'checkbox' })} />
          <h2 className="display">{t('settings.retention')}</h2>
          <div className="three">{days('event_days')}{days('result_days')}{days('audit_days')}</div>
          <ProblemCard error={change.error} />
          {administrator ? <Button type="submit" loading={change.isPending} className="start">{t('common.save')}</Button> : <p className="soft">{t('settings.only_administrators')}</p>}
        </Stack>
      </fieldset>
    </form>
  );
}
