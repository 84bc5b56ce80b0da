import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

import { cureOf, inWords, loadService } from './service';

export const LANGUAGES = { en: 'English', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'mien-language';
const texts = { en: () => import('./en.json'), zh: () => import('./zh.json') };

function first(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.startsWith('zh') ? 'zh' : 'en';
}

async function load(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    i18next.addResourceBundle(language, 'translation', (await texts[language]()).default);
  }
  await loadService(language);
}

export async function startLanguage(): Promise<void> {
  const language = first();
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: {},
    fallbackLng: false,
    interpolation: { escapeValue: false },
    showSupportNotice: false,
  } as Parameters<typeof i18next.init>[0]);
  await changeLanguage(language);
}

export async function changeLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  localStorage.setItem(KEY, language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}

export function language(): Language {
  return i18next.language === 'zh' ? 'zh' : 'en';
}

/** What the service says, in the language of the page; null where only its own English words are there. */
export function said(sentence: string): string | null {
  return inWords(sentence, language());
}

/** What to do about a problem of a code: as the page has it, as the service says it, or as is good for all of that code. */
export function cure(code: string, given: string): string {
  if (i18next.exists(`cure.${code}`)) return i18next.t(`cure.${code}`);
  return said(given) || (cureOf(code, language()) ?? '');
}

type Unit = [Intl.RelativeTimeFormatUnit, number];
const SECONDS: Unit = ['second', 1];
const UNITS: Unit[] = [['day', 86_400], ['hour', 3600], ['minute', 60], SECONDS];

/** Times, numbers and rates as people of the chosen language write them. */
export const say = {
  time: (text: string) =>
    new Date(text).toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }),
  /** With seconds. */
  moment: (text: string) =>
    new Date(text).toLocaleString(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'medium' }),
  /** With seconds; the day only where it is another than today. */
  clock: (text: string) => {
    const at = new Date(text);
    const today = at.toDateString() === new Date().toDateString();
    return today ? at.toLocaleTimeString(document.documentElement.lang, { timeStyle: 'medium' }) : say.moment(text);
  },
  ago: (text: string, now: number) => {
    const seconds = Math.min(0, (Date.parse(text) - now) / 1000);
    const [unit, size] = UNITS.find(([, length]) => -seconds >= length) ?? SECONDS;
    return new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
  },
  day: (text: string) => new Date(text).toLocaleDateString(document.documentElement.lang, { dateStyle: 'medium' }),
  list: (words: readonly string[]) => new Intl.ListFormat(document.documentElement.lang, { type: 'unit', style: 'short' }).format(words),
  number: (value: number, digits = 0) =>
    value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits, minimumFractionDigits: digits }),
  short: (value: number) => value.toLocaleString(document.documentElement.lang, { notation: 'compact', maximumSignificantDigits: 2 }),
  percent: (value: number, digits = 0) =>
    value.toLocaleString(document.documentElement.lang, { style: 'percent', maximumFractionDigits: digits }),
  seconds: (value: number) => {
    const whole = Math.max(0, Math.round(value));
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  },
  bytes: (value: number) => (value < 1e6 ? `${Math.ceil(value / 1e3)} kB` : `${(value / 1e6).toFixed(1)} MB`),
};

/** `1 in 10,000` for a rate of 0.0001. */
export function oneIn(rate: number): string {
  if (rate <= 0) return '0';
  if (rate > 0.5) return i18next.t(rate > 0.999 ? 'rate.all' : rate > 0.95 ? 'rate.nearly_all' : 'rate.most');
  // Two digits are as many as anybody reads.
  const n = Number((1 / rate).toPrecision(2));
  return i18next.t(`rate.one_in_${n}`, { defaultValue: i18next.t('rate.one_in', { n: language() === 'zh' ? say.short(n) : say.number(n) }) });
}
