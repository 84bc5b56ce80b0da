import { Anchor, Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { AuditEntry } from '../../api/types';
import { say } from '../../i18n';
import { aboutPerson, action, details, outcome, short } from './words';

/** One entry in words; what exactly was written is in the tips. */
export function Row({ entry, now, onSubject }: { entry: AuditEntry; now: number; onSubject: (id: string) => void }) {
  const { t } = useTranslation();
  const kind = ['key', 'camera', 'machine'].includes(entry.kind) ? t(`audit.${entry.kind}`) : '';
  const detail = details(entry);
  return (
    <Table.Tr className={entry.detail.outcome === 'begun' ? 'begun' : undefined}>
      <Table.Td data-label={t('audit.at')} className="nowrap num">
        <time dateTime={entry.at}>{say.moment(entry.at)}</time>
        <div className="soft small">{say.ago(entry.at, now)}</div>
      </Table.Td>
      <Table.Td data-label={t('audit.who')}>{entry.name}{kind && <span className="soft"> · {kind}</span>}</Table.Td>
      <Table.Td data-label={t('audit.what')}>
        <span title={entry.action}>{action(entry.action)}</span>
        {detail && <div className="soft small" title={JSON.stringify(entry.detail)}>{detail}</div>}
      </Table.Td>
      <Table.Td data-label={t('audit.subject')}><Subject entry={entry} onSubject={onSubject} /></Table.Td>
      <Table.Td data-label={t('audit.outcome')}>{outcome(entry)}</Table.Td>
      <Table.Td data-label={t('audit.why')} className="wrap">{entry.why}</Table.Td>
    </Table.Tr>
  );
}

/** Its name where it still exists, else its id, which shows all that happened to it. */
function Subject({ entry, onSubject }: { entry: AuditEntry; onSubject: (id: string) => void }) {
  const { t } = useTranslation();
  const { subject, subject_name: name } = entry;
  if (!subject) return null;
  if (name && aboutPerson(entry)) return <Link to={`/people/${subject}`}>{name}</Link>;
  if (name) return <span title={subject}>{name}</span>;
  if (entry.action.includes('camera')) return <span>{subject}</span>;
  return <Anchor component="button" type="button" inherit title={`${t('audit.only')} · ${t('audit.gone')}`} onClick={() => onSubject(subject)}><code>{short(subject)}</code></Anchor>;
}
