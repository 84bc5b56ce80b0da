import { useTranslation } from 'react-i18next';

import { said } from '../i18n';

/** The service's own words, which are English, for those who want them: names and figures of something rare. */
export function Original({ lines }: { lines: readonly string[] }) {
  const { t } = useTranslation();
  if (lines.length === 0) return null;
  return (
    <details className="original">
      <summary>{t('problem.original')}</summary>
      {lines.map((line) => <p key={line} lang="en">{line}</p>)}
    </details>
  );
}

// A poor face may fail by all of its measures; what could not be measured comes last.
const POOR = /^(The .+? is too poor \(.+?\)): (.+)\.$/s;
const AT_ONCE = 3;

/** A long reason as it is told at first, and how many there are; null where it is short. */
function briefly(line: string): { brief: string; n: number } | null {
  const [, head, list] = POOR.exec(line) ?? [];
  const all = list?.split('; ') ?? [];
  const measured = all.filter((one) => !one.includes(' cannot be measured: '));
  const shown = (measured.length > 0 ? measured : all).slice(0, AT_ONCE);
  return shown.length < all.length ? { brief: `${head}: ${shown.join('; ')}.`, n: all.length } : null;
}

/** A sentence with all of its reasons behind a sign, where there are many. */
function Sentence({ line, words, className }: { line: string; words: string; className: string }) {
  const { t } = useTranslation();
  const short = briefly(line);
  if (!short) return <p className={className}>{words}</p>;
  return (
    <>
      <p className={className}>{said(short.brief)}</p>
      <details className="original"><summary>{t('judged.all', { n: short.n })}</summary><p>{words}</p></details>
    </>
  );
}

/** Sentences of the service in the language of the page; those that have no words there are behind their sign. */
export function Sentences({ lines, className }: { lines: readonly string[]; className?: string }) {
  useTranslation();
  const found = lines.map((line) => [line, said(line)] as const);
  return (
    <>
      {found.map(([line, words]) => words !== null && <Sentence key={line} line={line} words={words} className={className ?? 'sentence soft'} />)}
      <Original lines={found.filter(([, words]) => words === null).map(([line]) => line)} />
    </>
  );
}
