/** `status`: what the data folder says, read without touching it, whether or not the agent runs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppName, DeviceId, SelfTest, Version } from '@wafer/protocol';
import { certificateExpires, readIdentity } from './link/identity.ts';
import { decodeOutbox } from './link/outbox.ts';
import { lockFolder } from './lock.ts';
import { readSelfTest } from './self-test/self-test.ts';
import { readJournal } from './state/journal.ts';

export interface Status {
  readonly enrolled: boolean;
  readonly running: boolean;
  readonly device?: DeviceId;
  readonly server?: string;
  readonly certificateExpires?: string;
  readonly desiredVersion: number;
  readonly unacknowledgedReports: number;
  /** Absent before the first start. */
  readonly selfTest?: SelfTest;
  readonly apps: readonly {
    readonly app: AppName;
    readonly version: Version | null;
    readonly soaking: boolean;
    readonly bringing: Version | null;
  }[];
}

export async function readStatus(folder: string): Promise<Status> {
  const identity = await readIdentity(folder);
  const journal = await readJournal(folder);
  const outbox = decodeOutbox(await readFile(join(folder, 'outbox'), 'utf8').catch(() => ''));
  const tested = await readSelfTest(folder);
  const lock = identity === undefined ? null : await lockFolder(folder);
  lock?.close();
  return {
    enrolled: identity !== undefined,
    running: lock === undefined,
    ...(identity === undefined
      ? {}
      : {
          device: identity.device,
          server: identity.server,
          certificateExpires: certificateExpires(identity).toISOString(),
        }),
    desiredVersion: journal.desired?.signed.version ?? 0,
    unacknowledgedReports: outbox.pending.length,
    ...(tested === undefined ? {} : { selfTest: tested }),
    apps: Object.entries(journal.apps).map(([app, record]) => ({
      app: app as AppName,
      version: record?.current?.order.version ?? null,
      soaking: record?.soak != null,
      bringing: record?.attempt?.release.order.version ?? null,
    })),
  };
}

export function statusText(status: Status): string {
  if (!status.enrolled) return 'not enrolled\n';
  const lines = [
    `device        ${status.device}`,
    `server        ${status.server}`,
    `agent         ${status.running ? 'running' : 'not running'}`,
    `certificate   valid until ${status.certificateExpires}`,
    `desired       version ${status.desiredVersion}`,
    `reports       ${status.unacknowledgedReports} not acknowledged yet`,
    ...selfTestLines(status.selfTest),
    ...status.apps.map(
      ({ app, version, soaking, bringing }) =>
        `app           ${app} ${version ?? '-'}${soaking ? ' (soaking)' : ''}${bringing === null ? '' : `, bringing ${bringing}`}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function selfTestLines(tested: SelfTest | undefined): string[] {
  if (tested === undefined) return ['self-test     not run yet'];
  const failed = tested.tests.filter(({ passed }) => !passed);
  if (failed.length === 0) return [`self-test     passed at ${tested.at}`];
  return failed.map(
    ({ test, detail }) => `self-test     failed: ${test}${detail === undefined ? '' : `: ${detail}`}`,
  );
}
