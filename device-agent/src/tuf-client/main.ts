/**
 * The agent's updater as a command: the same workflow, checks and crash-safe store
 * (../trust/metadata.ts) over HTTP instead of MQTT, behind the command line that the public suite
 * theupdateframework/tuf-conformance drives. What it trusts is also laid out as `D/<role>.json`, for
 * the suite and for people to read; it is never read back.
 *
 *     --metadata-dir D init ROOT
 *     --metadata-dir D --metadata-url U refresh
 *     --metadata-dir D --metadata-url U --target-name N … --target-base-url B --target-dir T download
 *
 * Ends with 0, or with 1 and the reason.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '@wafer/protocol';
import { reason } from '../log.ts';
import { replaceFile } from '../state/durable.ts';
import { factoryRootPath, fileName } from '../trust/generations.ts';
import { TrustedMetadata } from '../trust/metadata.ts';
import { checkRoot } from '../trust/root.ts';
import { httpFetcher } from './http.ts';
import { bringTarget } from './targets.ts';

const OPTIONS = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const;

/** npm runs scripts in the project's folder; paths are meant from where the person stands. */
const fromHere = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path);

function needed(value: string | undefined, name: keyof typeof OPTIONS): string {
  if (value === undefined) throw new TypeError(`--${name} is missing`);
  return value;
}

async function init(folder: string, rootPath: string): Promise<void> {
  const root = await readFile(rootPath, 'utf8');
  checkRoot(root);
  await rm(join(folder, 'trust'), { recursive: true, force: true });
  await replaceFile(factoryRootPath(folder), root);
  await layOut(folder, new Map([['root', Buffer.from(root)]]));
}

/**
 * A computer has a clock that is kept right, so expiry is judged by it: the floors of a board's clock
 * (the day of the agent’s release) would also refuse a repository that is looked at as of a day
 * before.
 */
const clock = { now: () => systemClock.now(), verified: () => Promise.resolve() };

async function open(folder: string, url: string): Promise<TrustedMetadata> {
  await readFile(factoryRootPath(folder)).catch(() => {
    throw new TypeError(`${folder} has no trusted root; begin with: init ROOT`);
  });
  return TrustedMetadata.open({ folder, fetcher: httpFetcher(url), clock });
}

/** Runs `work`, and shows what is trusted afterwards even when it failed half-way. */
async function showing(
  folder: string,
  url: string,
  work: (metadata: TrustedMetadata) => Promise<void>,
): Promise<void> {
  const metadata = await open(folder, url);
  try {
    await work(metadata);
  } finally {
    await layOut(folder, await metadata.files());
  }
}

async function layOut(folder: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const role of ['timestamp', 'snapshot', 'targets']) {
    if (!files.has(role)) await rm(join(folder, fileName(role)), { force: true });
  }
  for (const [role, bytes] of files) {
    const path = join(folder, fileName(role));
    const shown = await readFile(path).catch(() => undefined);
    if (shown === undefined || !shown.equals(bytes)) await replaceFile(path, bytes, 0o644);
  }
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [command, ...rest] = positionals;
  const folder = fromHere(needed(values['metadata-dir'], 'metadata-dir'));
  const url = () => needed(values['metadata-url'], 'metadata-url');
  if (command === 'init' && rest.length === 1) return init(folder, fromHere(String(rest[0])));
  if (command === 'refresh' && rest.length === 0) {
    return showing(folder, url(), (metadata) => metadata.refresh(async () => {}));
  }
  if (command === 'download' && rest.length === 0) {
    const options = {
      baseUrl: needed(values['target-base-url'], 'target-base-url'),
      folder: fromHere(needed(values['target-dir'], 'target-dir')),
    };
    const names = values['target-name'] ?? [needed(undefined, 'target-name')];
    await mkdir(options.folder, { recursive: true });
    return showing(folder, url(), (metadata) =>
      metadata.refresh(async (chain) => {
        for (const name of names) await bringTarget(chain, name, options);
      }),
    );
  }
  throw new TypeError('the command is one of: init ROOT, refresh, download');
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`tuf-client: ${reason(error)}\n`);
  process.exitCode = 1;
}
