/** What goes over /v1/live: a socket, which the OpenAPI document does not describe. As schema/live.py has it. */
import type { Box } from './types';

export interface LiveExpression {
  status: 'ok' | 'failed' | 'not_asked';
  label?: string;
  confidence?: number;
  probabilities?: Record<string, number>;
}

export interface LiveWho {
  status?: string;
  answer?: 'person' | 'unknown' | 'inconclusive';
  person_id?: string | null;
  name?: string | null;
  reasons?: string[];
}

export interface LiveFace {
  track: number;
  predicted: boolean;
  box: Box;
  quality: number | null;
  expression: LiveExpression;
  identity: LiveWho | null;
}

export interface LiveMoment {
  time_seconds: number;
  width: number;
  height: number;
  faces: LiveFace[];
}

export interface LiveAnswer {
  session?: string;
  seq: number;
  dropped: number | null;
  moment: LiveMoment | null;
  problem: { code: string; detail: string; cure: string } | null;
}
