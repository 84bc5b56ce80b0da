import { Alert, Button, Text } from '@mantine/core';
import { TriangleAlertIcon } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { asProblem } from '../api/problem';
import { Judged } from '../faces/Judged';
import { Original } from './Original';
import { told } from './told';

/** What went wrong, what to do about it, and the reasons.
 *  focus: for what somebody has just tried, so that it comes into view. files: the photos that were sent. */
export function ProblemCard({ error, retry, title, focus, files }: { error: unknown; retry?: () => void; title?: string; focus?: boolean; files?: readonly Blob[] }) {
  const { t } = useTranslation();
  const card = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!error || !focus) return;
    card.current?.focus({ preventScroll: true });
    card.current?.scrollIntoView({ block: 'center' });
  }, [error, focus]);
  if (!error) return null;
  const problem = asProblem(error);
  const { heading, cause, cure, reasons, original } = told(error, t);
  return (
    <Alert ref={card} tabIndex={focus ? -1 : undefined} role="alert" variant="light" className="problem" icon={<TriangleAlertIcon size={18} aria-hidden />} title={title ?? heading}>
      {title && !cause && <Text size="sm">{heading}</Text>}
      {cause && <Text size="sm">{cause}</Text>}
      {cure && <Text size="sm">{cure}</Text>}
      {problem.photos.length > 0 ? <Judged photos={problem.photos} files={files} /> : reasons.length > 0 && (
        <ul>
          {reasons.map((reason) => <li key={reason}>{reason}</li>)}
        </ul>
      )}
      {problem.photos.length === 0 && <Original lines={original} />}
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
