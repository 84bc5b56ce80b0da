import { Alert, Button, Text } from '@mantine/core';
import { TriangleAlertIcon } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { asProblem, unreadable, type Problem } from '../api/problem';
import { Judged } from '../faces/Judged';
import { fieldReason } from './reasons';

// What the service says of these tells more than a word for all of their kind.
const SPECIFIC = ['not-found', 'conflict', 'not-logged-in', 'not-allowed', 'changed'];

/** What went wrong, what to do about it, and the reasons; the server's words, in English as it sends them.
 *  focus: for what somebody has just tried, so that it comes into view. files: the photos that were sent. */
export function ProblemCard({ error, retry, title, focus, files }: { error: unknown; retry?: () => void; title?: string; focus?: boolean; files?: readonly Blob[] }) {
  const { t, i18n } = useTranslation();
  const card = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!error || !focus) return;
    card.current?.focus({ preventScroll: true });
    card.current?.scrollIntoView({ block: 'center' });
  }, [error, focus]);
  if (!error) return null;
  const problem = asProblem(error);
  const { heading, cause, cure, reasons } = told(problem, error, t, i18n);
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

type Texts = ReturnType<typeof useTranslation>;

/** The words of the card, the cause first; cause: empty where the heading says it. */
function told(problem: Problem, error: unknown, t: Texts['t'], i18n: Texts['i18n']) {
  const say = (key: string, values?: Record<string, unknown>) => t(key, values ?? {});
  const fields = problem.reasons.map((reason) => fieldReason(reason, say));
  const ofFields = fields.some((one) => one !== null);
  const kind = unreadable(error) && !i18n.exists(`problem.${problem.code}`) ? 'image' : problem.code;
  const own = i18n.exists(`problem.${kind}`) && (kind !== 'invalid' || ofFields) && !(i18n.language === 'en' && SPECIFIC.includes(kind));
  const heading = own ? t(`problem.${kind}`) : problem.detail;
  const cure = i18n.exists(`cure.${problem.code}`) ? t(`cure.${problem.code}`) : problem.cure;
  return {
    heading,
    cause: own && !ofFields && problem.status > 0 ? problem.detail : '',
    cure: ofFields ? '' : cure,
    reasons: problem.reasons.map((reason, index) => fields[index] ?? reason).filter((reason) => reason !== problem.detail),
  };
}
