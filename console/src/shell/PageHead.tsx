import { useEffect, type ReactNode } from 'react';

/** The title of a page, what it is for, and what can be done on it. */
export function PageHead({ title, lead, children }: { title: string; lead?: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · mien`;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        <h1 className="display">{title}</h1>
        {lead && <p>{lead}</p>}
      </div>
      {children}
    </header>
  );
}
