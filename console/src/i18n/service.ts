/** What the service says, which is English, in the language of the page. */
import type { Language } from './index';

interface Words {
  /** By code, what to do. */
  cure: Record<string, string>;
  /** By sentence of the service, the sentence; `{x}` stands for a value, and `{>x}` for one that is itself put into words. */
  said: Record<string, string>;
  /** The same for what is only found within sentences. */
  parts: Record<string, string>;
}

type Sentence = readonly [pattern: RegExp, text: string];

const WORDS: Partial<Record<Language, () => Promise<{ default: Words }>>> = { zh: () => import('./service.zh.json') };
const BETWEEN: Partial<Record<Language, string>> = { zh: '；' };

interface Known {
  cure: Record<string, string>;
  said: Sentence[];
  parts: Sentence[];
  between: string;
}

const known = new Map<Language, Known>();

export async function loadService(language: Language): Promise<void> {
  const words = WORDS[language];
  if (!words || known.has(language)) return;
  const { cure, said, parts } = (await words()).default;
  known.set(language, { cure, said: patterns(said), parts: patterns(parts), between: BETWEEN[language] ?? '; ' });
}

function patterns(texts: Record<string, string>): Sentence[] {
  return Object.entries(texts).map(([sentence, text]) => [patternOf(sentence), text]);
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
  return words ? put(sentence, words.said, words) : null;
}

function put(sentence: string, sentences: readonly Sentence[], words: Known): string | null {
  for (const [pattern, text] of sentences) {
    const found = pattern.exec(sentence);
    if (found) return text.replace(/{(>?)(\w+)}/g, (_, deeper: string, name: string) => value(found.groups?.[name] ?? '', deeper !== '', words));
  }
  return null;
}

/** Names come in quotes, which the text has its own of; of several reasons each is put into words. */
function value(found: string, deeper: boolean, words: Known): string {
  const bare = found.replace(/^(['"])(.*)\1$/s, '$2');
  if (!deeper) return bare;
  return bare.split('; ').map((one) => put(one, words.said, words) ?? put(one, words.parts, words) ?? one).join(words.between);
}

/** What to do about a problem of a code; undefined where the service's own words are all there is. */
export function cureOf(code: string, language: Language): string | undefined {
  return known.get(language)?.cure[code];
}
