/**
 * Where the passphrase of keys comes from: a file, the environment (both for CI), or a person who
 * types it unseen. It is never an argument, since those stand in process lists and histories.
 */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../context.ts';

const VARIABLE = 'WAFER_KEYS_PASSPHRASE';
const MIN_CHARACTERS = 12;
/** Times that a person may mistype it. */
const TRIES = 3;

export interface Passphrases {
  /** What may open the key `name`, one after the other, until one does. */
  readonly toOpen: (name: string) => AsyncIterable<string>;
  /** For keys that are made now; undefined when they shall lie open. Throws cli.usage. */
  readonly toSeal: () => Promise<string | undefined>;
}

export interface PassphraseOptions {
  readonly passphraseFile?: string;
  /** False with --no-passphrase. */
  readonly passphrase?: boolean;
}

/** The options by which every command that signs is told. */
export const addPassphraseOptions = (command: Command): Command =>
  command
    .option('--passphrase-file <file>', `file with the passphrase of the keys (else: ${VARIABLE}, or typed)`)
    .option('--no-passphrase', 'leave keys that are made now open to whoever reads their files');

export function passphrasesOf(options: PassphraseOptions, context: Context): Passphrases {
  /** What opened or sealed something in this run; a ceremony with one passphrase asks for it once. */
  let known: string | undefined;
  const given = () => fromFileOrVariable(options, context);
  return {
    async *toOpen(name) {
      const told = known ?? (await given());
      if (told !== undefined) yield told;
      const { askHidden } = context;
      if (askHidden === undefined || (await given()) !== undefined) return;
      for (let tries = 0; tries < TRIES; tries += 1) {
        known = await askHidden(`passphrase of ${name}: `);
        yield known;
      }
    },
    async toSeal() {
      if (options.passphrase === false) return undefined;
      known ??= longEnough((await given()) ?? (await askTwice(context)));
      return known;
    },
  };
}

async function fromFileOrVariable(
  { passphraseFile }: PassphraseOptions,
  { env, cwd }: Context,
): Promise<string | undefined> {
  if (passphraseFile === undefined) return env[VARIABLE] || undefined;
  try {
    return (await readFile(resolve(cwd, passphraseFile), 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const why = (error as Error).message;
    throw new WaferError('cli.usage', `--passphrase-file ${passphraseFile} cannot be read: ${why}`, {
      cause: error,
    });
  }
}

async function askTwice({ askHidden }: Context): Promise<string> {
  if (askHidden === undefined)
    throw new WaferError(
      'cli.usage',
      `keys are sealed with a passphrase: give --passphrase-file or ${VARIABLE}, or --no-passphrase for a first try`,
    );
  const first = longEnough(await askHidden('new passphrase for the keys: '));
  if ((await askHidden('the same again: ')) === first) return first;
  throw new WaferError('cli.usage', 'the two passphrases differ');
}

function longEnough(passphrase: string): string {
  if (passphrase.length >= MIN_CHARACTERS) return passphrase;
  throw new WaferError('cli.usage', `the passphrase must have at least ${MIN_CHARACTERS} characters`);
}
