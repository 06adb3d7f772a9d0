/** Lists of states as SQL knows them. */
import { FAILURES, SUCCESSES } from '@wafer/protocol';
import { textArray } from '../../db/values.ts';

export const SUCCEEDED = textArray([...SUCCESSES]);
export const FAILED = textArray([...FAILURES]);
