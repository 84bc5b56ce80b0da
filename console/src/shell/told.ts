import type { TFunction } from 'i18next';

import { asProblem, type Problem } from '../api/problem';
import { cure, said } from '../i18n';
import { fieldReason } from './reasons';

/** A problem in words. original: what the service says of it that has no words in the language of the page. */
export interface Told {
  heading: string;
  cause: string;
  cure: string;
  reasons: string[];
  original: string[];
}

// Of these a word for all of their kind tells more than what the service says of one.
const GENERAL = /^(offline|page|http|busy|too-many|too-large|image(-.+)?|enrolment-refused)$/;

/** The cause first; cause: empty where the heading says it. */
export function told(error: unknown, t: TFunction): Told {
  const problem = asProblem(error);
  const fields = problem.reasons.map((reason) => fieldReason(reason, t));
  const ofFields = fields.some((one) => one !== null);
  const kind = /^http-/.test(problem.code) ? 'http' : problem.code;
  const title = t(`problem.${kind}`, { defaultValue: '', status: problem.status });
  const detail = problem.code === 'offline' ? '' : said(problem.detail);
  const general = title !== '' && (GENERAL.test(kind) || (kind === 'invalid' && ofFields));
  const heading = (!general && detail) || title || problem.detail;
  const reasons = problem.reasons.filter((reason) => reason !== problem.detail).map((reason, index) => fields[index] ?? said(reason));
  return {
    heading,
    cause: general && !ofFields && detail !== heading ? (detail ?? '') : '',
    cure: ofFields ? '' : cureOf(problem),
    reasons: reasons.filter((reason) => reason !== null),
    original: original(problem, ofFields),
  };
}

/** What is best for those who sent photos is not what the service tells programs. */
function cureOf({ code, cure: given, photos }: Problem): string {
  const specific = code === 'enrolment-refused' && photos.length === 0 ? said(given) : null;
  return specific || cure(/^http-/.test(code) ? 'http' : code, given);
}

function original({ code, detail, cure: given, reasons }: Problem, ofFields: boolean): string[] {
  if (code === 'offline') return [];
  const unsaid = reasons.filter((reason) => said(reason) === null);
  if (ofFields) return unsaid;
  return [...(said(detail) === null ? [detail, given] : []), ...unsaid.filter((reason) => reason !== detail)].filter(Boolean);
}
