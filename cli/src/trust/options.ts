/** Options that the commands of `wafer keys` share. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { keysFolder, type Keyring, openKeyring } from './keyring.ts';
import { type PassphraseOptions, passphrasesOf } from './passphrase.ts';

const MAX_KEYS = 9;

export interface KeysOptions extends PassphraseOptions {
  readonly keys?: string;
}

export const addKeysOption = (command: Command): Command =>
  command.option('--keys <dir>', 'folder of the keys (default: WAFER_KEYS, else ./wafer-keys)');

export const keyringOf = (options: KeysOptions, context: Context): Keyring =>
  openKeyring(keysFolder(options.keys, context), passphrasesOf(options, context));

export function parseKeyCount(option: string, typed: string): number {
  const count = Number(typed);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_KEYS) return count;
  throw new WaferError('cli.usage', `${option} ${typed}: give a number from 1 to ${MAX_KEYS}`);
}

/** `2/3`: how many keys must sign together, of how many. */
export function parseQuorum(option: string, typed: string): { threshold: number; keys: number } {
  const [, first, second] = /^(\d+)\/(\d+)$/.exec(typed) ?? [];
  if (first === undefined || second === undefined)
    throw new WaferError('cli.usage', `${option} ${typed}: give it as 2/3, for two of three keys`);
  const quorum = { threshold: parseKeyCount(option, first), keys: parseKeyCount(option, second) };
  if (quorum.threshold <= quorum.keys) return quorum;
  throw new WaferError('cli.usage', `${option} ${typed}: more must sign than there are`);
}

export function parsePublicKeys(typed: readonly string[]): string[] {
  for (const hex of typed)
    if (!/^[0-9a-f]{64}$/.test(hex))
      throw new WaferError(
        'cli.usage',
        `${hex} is no public key: it has 64 hexadecimal digits, as wafer keys make prints it`,
      );
  if (new Set(typed).size !== typed.length)
    throw new WaferError('cli.usage', 'a public key was given twice, and counts once');
  return [...typed];
}

/** The counter of a release, as a floor names it. */
export function parseCounter(typed: string): number {
  const counter = Number(typed);
  if (Number.isSafeInteger(counter) && counter >= 1) return counter;
  throw new WaferError(
    'cli.usage',
    `${typed}: the floor is the counter of a release, as wafer releases shows it`,
  );
}
