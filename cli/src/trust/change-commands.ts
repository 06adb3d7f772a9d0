/** `wafer keys add | remove | threshold | rotate | delegate | floor | renew`: each proposes, signs, and publishes when it may. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Api } from '../api/client.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { advance, mustBeAlone, pendingFile } from './ceremony.ts';
import * as changes from './changes.ts';
import { type Current, readCurrent } from './current.ts';
import type { RoleKeys } from './documents.ts';
import type { Keyring } from './keyring.ts';
import {
  addKeysOption,
  type KeysOptions,
  keyringOf,
  parseCounter,
  parseKeyCount,
  parsePublicKeys,
  parseQuorum,
} from './options.ts';
import { describeOutcome } from './outcome.ts';
import { addPassphraseOptions } from './passphrase.ts';
import type { Pending } from './pending.ts';

interface ChangeOptions extends KeysOptions {
  readonly public?: string[];
  readonly threshold?: string;
  /** False with --no-publish. */
  readonly publish?: boolean;
  readonly atOnce?: boolean;
  readonly ifDue?: boolean;
}

interface Stage {
  readonly current: Current;
  readonly keyring: Keyring;
  readonly api: Api;
  readonly options: ChangeOptions;
  readonly now: number;
}

/** Undefined: there is nothing to change. */
type Propose = (args: readonly string[], stage: Stage) => Promise<Pending | undefined> | Pending;

function addChange(
  keys: Command,
  context: Context,
  names: string,
  description: string,
  propose: Propose,
): Command {
  const command = addCommand(keys, names, description, context, async (args, self) => {
    const options = self.opts<ChangeOptions>();
    const keyring = keyringOf(options, context);
    await mustBeAlone(keyring);
    const api = await signedInApi(context);
    const current = await readCurrent(api, keyring);
    const pending = await propose(args, { current, keyring, api, options, now: context.clock.now() });
    if (pending === undefined) return { json: { state: 'unchanged' }, text: () => 'nothing is due' };
    const outcome = await advance(pending, keyring, {
      api: options.publish === false ? undefined : api,
      file: pendingFile(keyring),
    });
    return { json: outcome, text: () => describeOutcome(outcome) };
  }).option('--no-publish', 'only sign; the change waits in pending.json');
  return addPassphraseOptions(addKeysOption(command));
}

const offlineRole = (typed: string): changes.OfflineRole =>
  changes.isTopLevel(typed) ? typed : parseName('app', typed);

/** Keys of an app have names that no key of another role has. */
const stemOf = (role: changes.OfflineRole): string => (changes.isTopLevel(role) ? role : `app-${role}`);

const thresholdOf = ({ threshold }: ChangeOptions): number | undefined =>
  threshold === undefined ? undefined : parseKeyCount('--threshold', threshold);

export function addChangeCommands(keys: Command, context: Context): void {
  addMake(keys, context);
  addChange(
    keys,
    context,
    'add <role>',
    'add a key to root, targets or an app',
    async ([typed = ''], stage) => {
      const { current, keyring, options, now } = stage;
      const role = offlineRole(typed);
      const given = parsePublicKeys(options.public ?? []);
      changes.keysNow(current, role);
      const added = given.length > 0 ? given : [(await keyring.make(stemOf(role))).publicHex];
      return changes.addKeys(current, role, added, thresholdOf(options), now);
    },
  )
    .option(
      '--public <hex...>',
      'keys that wafer keys make printed on other machines (default: make one here)',
    )
    .option('--threshold <count>', 'how many must sign from then on');

  addChange(
    keys,
    context,
    'remove <role> <key-id>',
    'take a key from root, targets, an app or the director; the beginning of its id will do',
    ([role = '', key = ''], { current, options, now }) =>
      role === 'director'
        ? changes.removeDirector(current, key, now)
        : changes.removeKey(current, offlineRole(role), key, thresholdOf(options), now),
  ).option('--threshold <count>', 'how many must sign from then on');

  addChange(
    keys,
    context,
    'threshold <role> <count>',
    'say how many keys of root, targets or an app must sign from then on',
    ([role = '', count = ''], { current, now }) =>
      changes.withThreshold(current, offlineRole(role), parseKeyCount('threshold', count), now),
  );

  addChange(
    keys,
    context,
    'rotate <role>',
    'replace the keys of root, targets or an app that lie here, or the keys of the server (online)',
    ([role = ''], stage) => (role === 'online' ? rotateOnline(stage) : rotateHere(offlineRole(role), stage)),
  )
    .option('--at-once', 'with online: boards obey the new director key alone, as after a theft')
    .option('--if-due', 'with online: only when the server says that it is time; for cron');

  addChange(
    keys,
    context,
    'delegate <app>',
    'give an app keys of its own, or others than it had; they may lie on other machines',
    async ([app = ''], { current, keyring, options, now }) => {
      const role = parseName('app', app);
      return changes.withRoleKeys(current, role, await keysToGive(role, keyring, options), now);
    },
  )
    .option('--threshold <m/n>', 'how many keys must sign a release together, of how many (default: 1/1)')
    .option(
      '--public <hex...>',
      'those of them that wafer keys make printed on other machines; the others are made here',
    );

  addChange(
    keys,
    context,
    'floor <app> <counter>',
    'let no release of the app below this counter run any more; it never sinks again',
    ([app = '', counter = ''], { current, now }) =>
      changes.raiseFloor(current, parseName('app', app), parseCounter(counter), now),
  );

  addChange(
    keys,
    context,
    'renew <role...>',
    'sign root, targets or apps again for another year',
    // A variadic argument comes as one array.
    (args, { current, now }) => changes.renew(current, args.flat(), now),
  );
}

/** As many keys as were asked for: those that were named, and the rest made here. */
async function keysToGive(
  role: changes.OfflineRole,
  keyring: Keyring,
  { threshold, public: typed = [] }: ChangeOptions,
): Promise<RoleKeys> {
  const named = parsePublicKeys(typed);
  if (threshold === undefined && named.length > 1)
    throw new WaferError(
      'cli.usage',
      `${named.length} keys: say how many of them must sign together, such as --threshold 2/${named.length}`,
    );
  const quorum = parseQuorum('--threshold', threshold ?? '1/1');
  if (named.length > quorum.keys)
    throw new WaferError('cli.usage', `--threshold ${threshold}: ${named.length} keys were named`);
  const keys = [...named];
  while (keys.length < quorum.keys) keys.push((await keyring.make(stemOf(role))).publicHex);
  return { keys, threshold: quorum.threshold };
}

/** Every key of the role that lies here gives way to a new one; those elsewhere stay. */
async function rotateHere(role: changes.OfflineRole, { current, keyring, now }: Stage): Promise<Pending> {
  const { keys } = changes.keysNow(current, role);
  const here = (await keyring.list()).filter(({ publicHex }) => keys.includes(publicHex));
  if (here.length === 0)
    throw new WaferError('cli.keys-missing', `${keyring.folder} holds no key of ${role}`);
  const replacements = new Map<string, string>();
  for (const { publicHex } of here) replacements.set(publicHex, (await keyring.make(stemOf(role))).publicHex);
  return changes.replaceKeys(current, role, replacements, now);
}

async function rotateOnline({ api, current, options, now }: Stage): Promise<Pending | undefined> {
  let online = await api.onlineKeys();
  if (Object.keys(online.next ?? {}).length === 0) {
    if (options.ifDue === true) return undefined;
    online = await api.rotateOnline(['snapshot', 'timestamp', 'director']);
  }
  return changes.nameSuccessors(current, online, options.atOnce === true, now);
}

/** A key for a role that another machine looks after; only its public half is carried there. */
function addMake(keys: Command, context: Context): void {
  const command = addCommand(
    keys,
    'make <for>',
    'make a key here for root, targets or an app, and print its public half; needs no server',
    context,
    async ([name = ''], self) => {
      const keyring = keyringOf(self.opts<KeysOptions>(), context);
      const made = await keyring.make(stemOf(offlineRole(name)));
      return {
        json: { ...made, folder: keyring.folder },
        text: () =>
          `made ${made.name} in ${keyring.folder}\n  key id  ${made.keyid}\n  public  ${made.publicHex}`,
      };
    },
  );
  addPassphraseOptions(addKeysOption(command));
}
