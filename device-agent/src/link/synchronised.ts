/** Does the system say that its clock is kept right? The kernel knows (adjtimex), and systemd tells it. */
import { execFile } from 'node:child_process';

const TIME_LIMIT_MS = 2000;

/** Whatever keeps the clock right (timesyncd, chrony, ntpd). Undefined when the system cannot tell. Never rejects. */
export function systemSaysSynchronised(program = 'timedatectl'): Promise<boolean | undefined> {
  const args = ['show', '--property=NTPSynchronized', '--value'];
  return new Promise((resolve) => {
    execFile(program, args, { timeout: TIME_LIMIT_MS }, (error, said) => {
      const word = said.trim();
      resolve(error !== null || !/^(yes|no)$/.test(word) ? undefined : word === 'yes');
    });
  });
}
