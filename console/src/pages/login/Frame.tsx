import { Group } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';

import { LanguageSwitch, SchemeSwitch } from '../../shell/Switches';

/** The quiet page around the forms for those who are not in yet. */
export function Frame({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · mien`;
  }, [title]);
  return (
    <div className="gate">
      <main className="gate-form">
        <div className="brand">
          <img src="/favicon.svg" alt="" />
          mien
        </div>
        <h1 className="display">{title}</h1>
        <p className="soft">{lead}</p>
        {children}
        <Group gap={4} mt="xl">
          <LanguageSwitch />
          <SchemeSwitch />
        </Group>
      </main>
    </div>
  );
}
