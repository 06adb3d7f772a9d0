/**
 * Another time for a process and all that it starts: Debian's libfaketime stands between it and the system's
 * calls, so that JavaScript's Date, OpenSSL's judgement of certificates and Postgres all see it. The monotonic
 * clock stays as it is, and so do the times of files.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARIES = '/usr/lib';
const NAME = 'faketime/libfaketimeMT.so.1';

/** Throws, with what to do, where the library is not installed. */
function library(): string {
  const found = [LIBRARIES, ...readdirSync(LIBRARIES).map((folder) => join(LIBRARIES, folder))]
    .map((folder) => join(folder, NAME))
    .find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`${NAME} is not below ${LIBRARIES}: apt-get install libfaketime, as .ci/run does`);
}

/** The environment of a process whose time is `byMs` from ours. */
export const shifted = (byMs: number): Record<string, string> => ({
  LD_PRELOAD: library(),
  FAKETIME: `${byMs < 0 ? '' : '+'}${Math.round(byMs / 1000)}`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  DONT_FAKE_MONOTONIC: '1',
  NO_FAKE_STAT: '1',
});
