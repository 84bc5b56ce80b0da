import { Alert, Button, Text } from '@mantine/core';
import { TriangleAlertIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { asProblem } from '../api/problem';

/** What went wrong, why, and what to do about it; the server's words, in English as it sends them. */
export function ProblemCard({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t, i18n } = useTranslation();
  if (!error) return null;
  const problem = asProblem(error);
  const own = i18n.exists(`problem.${problem.code}`);
  const detail = own ? t(`problem.${problem.code}`) : problem.detail;
  const cure = i18n.exists(`cure.${problem.code}`) ? t(`cure.${problem.code}`) : problem.cure;
  const reasons = problem.reasons.filter((reason) => reason !== problem.detail);
  return (
    <Alert
      role="alert"
      variant="light"
      className="problem"
      icon={<TriangleAlertIcon size={18} aria-hidden />}
      title={detail}
    >
      {reasons.length > 0 && (
        <ul>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {cure && <Text size="sm">{cure}</Text>}
      {own && problem.detail && problem.status > 0 && <Text size="sm">{problem.detail}</Text>}
      <Text size="xs" mt={6} className="soft">
        {problem.code}
        {problem.request_id && ` · ${problem.request_id}`}
      </Text>
      {retry && (
        <Button mt="sm" variant="default" size="xs" onClick={retry}>
          {t('common.again')}
        </Button>
      )}
    </Alert>
  );
}
