/** What the service says, which is English, in the language of the page. */
import type { Language } from './index';

interface Words {
  /** By code, what to do. */
  cure: Record<string, string>;
  /** By sentence of the service, the sentence; `{x}` stands for a value, and `{>x}` for one that is itself put into words. */
  said: Record<string, string>;
}

type Sentence = readonly [pattern: RegExp, text: string];

const WORDS: Partial<Record<Language, () => Promise<{ default: Words }>>> = { zh: () => import('./service.zh.json') };
const FULL_STOPS: Partial<Record<Language, string>> = { zh: '；' };

const known = new Map<Language, { cure: Record<string, string>; sentences: Sentence[]; between: string }>();

export async function loadService(language: Language): Promise<void> {
  const words = WORDS[language];
  if (!words || known.has(language)) return;
  const { cure, said } = (await words()).default;
  known.set(language, { cure, sentences: Object.entries(said).map(([sentence, text]) => [patternOf(sentence), text]), between: FULL_STOPS[language] ?? '; ' });
}

/** Sentences are tried in their order; a value is as short as it can be. */
function patternOf(sentence: string): RegExp {
  const fixed = sentence.replace(/[.*+?^$()|[\]\\/]/g, '\\$&');
  return new RegExp(`^${fixed.replace(/{(\w+)}/g, '(?<$1>.+?)')}$`, 's');
}

/** A sentence of the service in a language; null where only the service's own words are there. */
export function inWords(sentence: string, language: Language): string | null {
  if (!WORDS[language]) return sentence;
  const words = known.get(language);
  for (const [pattern, text] of words?.sentences ?? []) {
    const found = pattern.exec(sentence);
    if (found) return text.replace(/{(>?)(\w+)}/g, (_, deeper: string, name: string) => value(found.groups?.[name] ?? '', deeper !== '', language));
  }
  return null;
}

/** Names come in quotes, which the text has its own of; of several reasons each is put into words. */
function value(found: string, deeper: boolean, language: Language): string {
  const bare = found.replace(/^(['"])(.*)\1$/s, '$2');
  if (!deeper) return bare;
  return bare.split('; ').map((one) => inWords(one, language) ?? one).join(known.get(language)?.between);
}

/** What to do about a problem of a code; undefined where the service's own words are all there is. */
export function cureOf(code: string, language: Language): string | undefined {
  return known.get(language)?.cure[code];
}
