import i18next from 'i18next';

import type { AuditEntry } from '../../api/types';
import { language, oneIn, say } from '../../i18n';

type Say = (value: string | number | boolean) => string | null;

const text = (key: string, values?: Record<string, unknown>) => i18next.t(`detail.${key}`, values ?? {});
const word = (group: string): Say => (value) => text(`${group}.${String(value).replaceAll(' ', '_')}`, { defaultValue: String(value) });
const count = (name: string): Say => (value) => text(name, { count: Number(value), n: say.number(Number(value)) });
const number = (name: string): Say => (value) => text(name, { n: value });
const named = (name: string): Say => (value) => (value === '' ? null : text(name, { value: String(value) }));
const where = (yes: string | null, no: string | null): Say => (value) => {
  const key = /^true$/i.test(String(value)) ? yes : no;
  return key && text(key);
};
const rate = (name: string): Say => (value) => text(name, { value: oneIn(Number(value)) });
const nothing: Say = () => null;

const DETAILS: Record<string, Say> = {
  photos: count('photos'), kept: count('kept'), faces: count('faces'), people: (value) => (value ? count('people')(value) : null), events: count('events'),
  findings: count('findings'), changes: count('changes'), tracks: count('tracks'), videos: count('videos'),
  template: number('template'), correction: number('correction'), track: number('track'),
  event_days: number('event_days'), result_days: number('result_days'), audit_days: number('audit_days'),
  tenant: named('tenant'), camera: named('camera'),
  into: (value) => text('into', { value: short(String(value)) }),
  how: word('how'), source: word('source'), kind: word('kind'),
  searched: where('searched', null), identify: where('identify', null), reset: where('reset', null),
  disabled: where('disabled', 'enabled'), whole: where('whole', 'tampered'), why_required: where('why_required', 'why_not_required'),
  fmr: rate('fmr'), fpir: rate('fpir'),
  role: (value) => i18next.t(`role.${value}`, { defaultValue: String(value) }),
  bytes: (value) => say.bytes(Number(value)),
  fields: (value) => text('fields', { value: String(value).split(' ').map(word('field')).join(', ') }),
  // Ids that lead nowhere here, and what has a column of its own.
  session: nothing, person: nothing, job: nothing, outcome: nothing, code: nothing, answer: nothing,
};

/** So much of an id as tells it from others. */
export function short(id: string): string {
  return id.slice(0, 8);
}

/** What was done; the name that the service has for it where there is no word. */
export function action(name: string): string {
  return i18next.t(`action.${name}`, { defaultValue: name });
}

/** Every action that has a word, by its word. */
export function actions(): { value: string; label: string }[] {
  const known = i18next.getResource(language(), 'translation', 'action') as Record<string, string>;
  return Object.entries(known).map(([value, label]) => ({ value, label })).sort((one, two) => one.label.localeCompare(two.label, language()));
}

export function details(entry: AuditEntry): string {
  const said = Object.entries(entry.detail).map(([name, value]) => (DETAILS[name] ? DETAILS[name](value) : `${name} ${value}`));
  return said.filter(Boolean).join(' · ');
}

/** What came of it, where that is known. */
export function outcome(entry: AuditEntry): string {
  const { outcome, answer, code } = entry.detail;
  if (code) return i18next.t('outcome.failed_code', { code: i18next.t(`problem.${code}`, { defaultValue: String(code) }) });
  const name = outcome ?? answer;
  return name === undefined ? '' : i18next.t(`outcome.${name}`, { defaultValue: String(name) });
}

const PEOPLE = /person|people|photo|template|correction|face|history|^identify/;

/** Whether the subject is somebody on record, who has a page here. */
export function aboutPerson(entry: AuditEntry): boolean {
  return PEOPLE.test(entry.action);
}
