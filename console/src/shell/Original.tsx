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

/** Sentences of the service in the language of the page; those that have no words there are behind their sign. */
export function Sentences({ lines, className }: { lines: readonly string[]; className?: string }) {
  useTranslation();
  const found = lines.map((line) => [line, said(line)] as const);
  return (
    <>
      {found.map(([line, words]) => words !== null && <p key={line} className={className ?? 'sentence soft'}>{words}</p>)}
      <Original lines={found.filter(([, words]) => words === null).map(([line]) => line)} />
    </>
  );
}
