import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

/** Where look-ups need a reason: asks for it before anybody is named. */
export function AskWhy({ busy, label, onWhy }: { busy: boolean; label?: string; onWhy: (why: string) => void }) {
  const { t } = useTranslation();
  const [why, setWhy] = useState('');
  return (
    <form className="card mt" onSubmit={(event) => { event.preventDefault(); onWhy(why.trim()); }}>
      <TextInput label={label ?? t('who.why')} description={t('who.why_hint')} required maxLength={500} value={why} onChange={(event) => setWhy(event.currentTarget.value)} />
      <Button type="submit" mt="sm" loading={busy} disabled={!why.trim()}>{t('who.ask')}</Button>
    </form>
  );
}
