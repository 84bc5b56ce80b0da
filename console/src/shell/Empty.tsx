import type { ReactNode } from 'react';

/** There is nothing here yet, and what to do next. */
export function Empty({ icon, title, text, children }: { icon: ReactNode; title?: string; text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon" aria-hidden>
        {icon}
      </span>
      {title && <h2 className="display">{title}</h2>}
      <p>{text}</p>
      {children}
    </div>
  );
}
