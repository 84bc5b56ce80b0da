import { Anchor, Breadcrumbs, Button, Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { StethoscopeIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { api, must } from '../../api/client';
import type { Finding } from '../../api/types';
import { oneIn } from '../../i18n';
import { Empty } from '../../shell/Empty';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';

/** What the doctor says about the people on record. */
export default function Findings() {
  const { t } = useTranslation();
  const found = useQuery({ queryKey: ['findings'], queryFn: () => must(api.GET('/v1/gallery/findings')) });
  const kinds = [...new Set(found.data?.findings.map((one) => one.kind))];
  return (
    <>
      <Breadcrumbs mb="md" className="crumbs"><Link to="/people">{t('people.title')}</Link><span>{t('people.findings')}</span></Breadcrumbs>
      <PageHead title={t('findings.title')} lead={t('findings.lead')} />
      {found.isPending && <Loader aria-label={t('common.loading')} />}
      <ProblemCard error={found.error} retry={() => void found.refetch()} />
      {found.isSuccess && kinds.length === 0 && <Empty icon={<StethoscopeIcon size={26} />} title={t('findings.none')} text={t('findings.none_text')} />}
      {kinds.map((kind) => (
        <section key={kind} className="card mb">
          <h2 className="display">{t(`findings.${kind}`)}</h2>
          <p className="soft">{t(`findings.${kind}_text`)}</p>
          <ul className="rows plain">
            {found.data?.findings.filter((one) => one.kind === kind).slice(0, 100).map((one, index) => <Row key={index} finding={one} names={found.data.names} />)}
          </ul>
        </section>
      ))}
    </>
  );
}

function Row({ finding, names }: { finding: Finding; names: Record<string, string> }) {
  const { t } = useTranslation();
  const link = (id: string) => <Anchor component={Link} to={`/people/${id}`}>{names[id] ?? id.slice(0, 6)}</Anchor>;
  return (
    <li>
      <span>{link(finding.person_id)}{finding.other_id && <> · {link(finding.other_id)}</>}{finding.kind === 'duplicate_person' && finding.other_id && <> <Button component={Link} to={`/people/${finding.person_id}?with=${finding.other_id}`} variant="default" size="compact-xs" ml="xs">{t('who.both')}</Button></>}</span>
      <span className="soft num">
        {finding.score !== null && (finding.kind === 'low_quality' ? t('person.quality', { n: Math.round(finding.score) }) : t('findings.score', { score: finding.score.toFixed(2) }))}
        {finding.fmr && ` · ${t('findings.rate', { rate: oneIn(finding.fmr.value) })}`}
      </span>
    </li>
  );
}
