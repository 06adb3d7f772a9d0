/** `wafer audit`: who changed what, and whether the record of it still is what was written. */
import { AuditHead, WaferError, type AuditEventView } from '@wafer/protocol';
import type { Command } from 'commander';
import { readCredentials } from '../account/credentials.ts';
import { createApi } from '../api/client.ts';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { table } from '../table.ts';
import { checkChain, type Checked } from './check.ts';
import { readNoted, writeNoted } from './noted.ts';

interface ListOptions {
  readonly target?: string;
  readonly actor?: string;
  readonly limit: string;
}

/** Longer than this is cut in the table; `--json` has all of it. */
const WIDTH = 60;

function words(value: unknown): string {
  if (value == null) return '–';
  const text = JSON.stringify(value);
  return text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`;
}

const describeEvents = (events: readonly AuditEventView[]): string =>
  table(
    ['no', 'at', 'who', 'from', 'what', 'target', 'before', 'after'],
    events.map(({ seq, at, actor, source, action, subject, before, after }) => [
      seq === null ? '–' : `${seq}`,
      at,
      actor,
      source ?? '–',
      action,
      subject,
      words(before),
      words(after),
    ]),
    'no events',
  );

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= 10_000) return limit;
  throw new WaferError('cli.usage', `--limit ${text}: a number from 1 to 10000`);
}

function headOf(text: string): AuditHead {
  const [seq, hash] = text.split(':');
  const parsed = AuditHead.safeParse({ seq: Number(seq), hash });
  if (parsed.success) return parsed.data;
  throw new WaferError('cli.usage', `--head ${text}: write NUMBER:HASH, as wafer audit verify prints it`);
}

function describeChecked({ events, head, key }: Checked): string {
  if (events === 0) return 'there are no sealed events yet';
  return [
    `the chain holds: ${events} events, each hashed with the one before, the last signed by ${key.slice(0, 16)}…`,
    `head ${head.seq}:${head.hash}`,
  ].join('\n');
}

async function verify(context: Context, given: string | undefined): Promise<Checked> {
  const credentials = await readCredentials(context);
  const earlier = await readNoted(context, credentials.api);
  const noted = given === undefined ? earlier : headOf(given);
  const checked = await checkChain(createApi(credentials, context.sleep), { noted, key: earlier?.key });
  const { broken, head, key } = checked;
  if (broken !== null) {
    const where = broken.event === null ? `at ${broken.seq}` : `at ${broken.seq} (event ${broken.event})`;
    throw new WaferError('audit.broken', `the chain breaks ${where}: ${broken.reason}`);
  }
  if (head.seq > 0) await writeNoted(context, credentials.api, { ...head, key });
  return checked;
}

export function addAuditCommands(program: Command, context: Context): void {
  const audit = program.command('audit').description('who changed what, when and from where');
  addCommand(audit, 'list', 'list events, newest first', context, async (_, command) => {
    const { limit, ...filter } = command.opts<ListOptions>();
    const events = await (await signedInApi(context)).auditEvents(filter, limitOf(limit));
    return { json: events, text: () => describeEvents(events) };
  })
    .option('--target <name>', 'only what changed this: a device, channel:NAME, app:NAME, …')
    .option('--actor <name>', 'only what this one did: user:NAME, token:NAME, device:ID or server')
    .option('--limit <n>', 'at most so many', '50');

  addCommand(
    audit,
    'verify',
    'follow the chain from its first event and check every hash here',
    context,
    async (_, command) => {
      const checked = await verify(context, command.opts<{ head?: string }>().head);
      return { json: checked, text: () => describeChecked(checked) };
    },
  )
    .option('--head <number:hash>', 'a head that you noted earlier and that the chain must hold')
    .addHelpText(
      'after',
      '\nThe head and the key that were seen are kept beside the login: the next run also finds a chain\nthat was cut short or written anew as a whole. Exit code 5 when the chain is broken.',
    );
}
