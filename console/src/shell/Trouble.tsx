import { useTranslation } from 'react-i18next';

import { ProblemError } from '../api/problem';
import { Original } from './Original';
import { told } from './told';

/** What went wrong with something of the service's own, such as a video or a camera: why, and what to do. */
export function Trouble({ code, cause, cure = '' }: { code: string; cause: string; cure?: string }) {
  const { t } = useTranslation();
  const problem = { status: 500, code, detail: cause, cure, request_id: '', reasons: [], photos: [] };
  const words = told(new ProblemError(problem), t);
  return (
    <div className="trouble">
      <p className="bad-text">{words.heading} {words.cause}</p>
      {words.cure && <p className="soft">{words.cure}</p>}
      <Original lines={words.original} />
    </div>
  );
}
