import { said as inWords } from '../i18n';

/** What the service says of a field (`body.person.name: String should …`), in the words of the form; null: of none. */
export function fieldReason(reason: string, t: (key: string, values?: Record<string, unknown>) => string): string | null {
  const [, path, said] = /^(?:body|query|path|header)((?:\.[\w-]+)*): (.*)$/s.exec(reason) ?? [];
  if (path === undefined || said === undefined) return null;
  const name = path.split('.').filter((part) => /[a-z]/i.test(part)).at(-1) ?? '';
  const field = t(`field.name.${name}`, { defaultValue: capital(name.replaceAll('_', ' ')) });
  const [, bound, n] = /at (least|most) (\d+) character/.exec(said) ?? [];
  if (/required/i.test(said) || (bound === 'least' && n === '1')) return t('field.missing', { field });
  if (bound) return t(bound === 'least' ? 'field.short' : 'field.long', { field, n });
  const own = /^Value error, (.+)$/s.exec(said)?.[1];
  const words = own === undefined ? null : inWords(own);
  return words === null ? t('field.wrong', { field }) : t('field.said', { field, words });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
