/** The device nodes that granted GPIO lines, I²C buses and serial lines stand for: may the agent open them? */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Grants } from '@wafer/protocol';
import { readJournal } from '../state/journal.ts';
import type { Check, Finding } from './doctor.ts';

/** Each once, such as `/dev/i2c-1`. */
export function deviceNodes({ gpio = [], i2c = [], serial = [] }: Grants): string[] {
  const nodes = [
    ...gpio.map(({ chip }) => `/dev/gpiochip${chip}`),
    ...i2c.map(({ bus }) => `/dev/i2c-${bus}`),
    ...serial.map(({ device }) => device),
  ];
  return [...new Set(nodes)];
}

export const devices: Check = async ({ folder }) => {
  const { apps } = await readJournal(folder);
  const granted = Object.values(apps).flatMap((record) =>
    record?.current == null ? [] : deviceNodes(record.current.order.grants),
  );
  return devicesFinding([...new Set(granted)]);
};

type Opens = (path: string) => Promise<string | undefined>;

/** The error's code; undefined where it opens for reading and writing. */
const opens: Opens = (path) =>
  access(path, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? 'EIO',
  );

export async function devicesFinding(nodes: readonly string[], why: Opens = opens): Promise<Finding> {
  if (nodes.length === 0) return { verdict: 'ok', detail: 'no app was granted any' };
  const found = await Promise.all(nodes.map(async (path) => ({ path, code: await why(path) })));
  const missing = found.filter(({ code }) => code !== undefined);
  if (missing.length === 0) return { verdict: 'ok', detail: nodes.join(', ') };
  const paths = missing.map(({ path }) => path).join(' ');
  const isThere = missing.some(({ code }) => code !== 'ENOENT');
  return {
    verdict: 'fail',
    detail: missing.map(({ path, code }) => `${path}: ${code}`).join(', '),
    advice: isThere
      ? `sudo wafer-agent devices allow ${paths}`
      : `switch the bus on (raspi-config, or the board's device tree), then sudo wafer-agent devices allow ${paths}`,
  };
}
