import { Group, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { actions, short } from './words';

export interface Wanted {
  action: string | null;
  actor: string | null;
  subject: string | null;
  since: string;
  until: string;
}

export const ALL: Wanted = { action: null, actor: null, subject: null, since: '', until: '' };

/** Which entries are shown: of an action, by somebody, about somebody, between two days. */
export function Choices({ wanted, onChange }: { wanted: Wanted; onChange: (more: Partial<Wanted>) => void }) {
  const { t } = useTranslation();
  const day = (name: 'since' | 'until') => <TextInput type="date" label={t(`audit.${name}`)} value={wanted[name]} onChange={(event) => onChange({ [name]: event.currentTarget.value })} />;
  return (
    <Group mb="lg" align="flex-end" className="choices">
      <Select label={t('audit.action')} placeholder={t('audit.any')} data={actions()} value={wanted.action} onChange={(action) => onChange({ action })} searchable clearable />
      <Actor value={wanted.actor} onChange={(actor) => onChange({ actor })} />
      <PersonChoice value={wanted.subject} onChange={(subject) => onChange({ subject })} />
      {day('since')}
      {day('until')}
    </Group>
  );
}

interface Choice {
  value: string | null;
  onChange: (value: string | null) => void;
}

function Actor({ value, onChange }: Choice) {
  const { t } = useTranslation();
  const query = { params: { query: { limit: 200 } } };
  const accounts = useQuery({ queryKey: ['accounts'], queryFn: () => must(api.GET('/v1/accounts', query)) });
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => must(api.GET('/v1/keys', query)) });
  const items = (found: { id: string; name: string }[] | undefined) => (found ?? []).map((one) => ({ value: one.id, label: one.name }));
  const data = [
    { group: t('audit.accounts'), items: items(accounts.data?.items) },
    { group: t('audit.keys'), items: items(keys.data?.items) },
  ].filter((one) => one.items.length > 0);
  return <Select label={t('audit.by')} placeholder={t('audit.any')} data={data} value={value} onChange={onChange} searchable clearable />;
}

/** People are looked for as somebody types: there may be many, and looking at them is in the log itself. */
function PersonChoice({ value, onChange }: Choice) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<{ value: string; label: string } | null>(null);
  const [q] = useDebouncedValue(text, 300);
  const people = useQuery({
    queryKey: ['people', 'audit', q],
    queryFn: () => must(api.GET('/v1/people', { params: { query: { q: q || undefined, limit: 20 } } })),
    enabled: open,
  });
  const found = (people.data?.items ?? []).map((one) => ({ value: one.id, label: one.name }));
  const kept = value && (chosen?.value === value ? chosen : { value, label: short(value) });
  const data = kept && !found.some((one) => one.value === value) ? [kept, ...found] : found;
  return (
    <Select
      label={t('audit.subject')} placeholder={t('audit.any')} data={data} value={value} searchable clearable nothingFoundMessage={t('audit.nobody')}
      onDropdownOpen={() => setOpen(true)} onDropdownClose={() => setOpen(false)}
      onSearchChange={(typed) => setText(data.some((one) => one.value === value && one.label === typed) ? '' : typed)}
      onChange={(id, option) => { setChosen(option ?? null); onChange(id); }}
    />
  );
}
