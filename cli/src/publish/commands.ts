/** `wafer publish`, and `wafer build`, which makes the component only. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { type Result, warner } from '../output.ts';
import { addKeysOption, type KeysOptions, keyringOf } from '../trust/options.ts';
import { describeOutcome } from '../trust/outcome.ts';
import { addPassphraseOptions } from '../trust/passphrase.ts';
import { sha256 } from '../trust/documents.ts';
import { inspect, kindOf } from './component.ts';
import { load } from './load.ts';
import { uploadProgress } from './progress.ts';
import { prepare, publish, type Published } from './publish.ts';

interface PublishOptions extends KeysOptions {
  readonly app?: string;
  readonly version: string;
  /** False with --no-channel. */
  readonly channel: string | false;
  readonly manifest?: string;
  readonly floor?: string;
  readonly json?: boolean;
}

export function addPublishCommands(program: Command, context: Context): void {
  const command = addCommand(
    program,
    'publish <file>',
    'sign a component, a WASI preview 1 module, a .js guest, a .c file or an agent (.tar.gz) and bring it to a channel',
    context,
    async ([file = ''], self) => {
      const options = self.opts<PublishOptions>();
      const prepared = await prepare(
        {
          file: resolve(context.cwd, file),
          manifest: options.manifest === undefined ? undefined : resolve(context.cwd, options.manifest),
          app: options.app,
          version: options.version,
          channel: options.channel === false ? undefined : options.channel,
          floor: options.floor,
        },
        warner(context),
      );
      const published = await publish(prepared, {
        api: await signedInApi(context),
        keyring: keyringOf(options, context),
        clock: context.clock,
        startProgress: (label, totalBytes) =>
          uploadProgress(label, totalBytes, options.json === true, context),
      });
      return { json: published, text: () => describe(published) };
    },
  )
    .option('--app <name>', 'name of the app (default: the one in the manifest)')
    .requiredOption('--version <version>', 'SemVer of the release')
    .option('--channel <name>', 'channel that moves to the release', 'stable')
    .option('--no-channel', 'publish only; move no channel')
    .option('--floor <counter>', 'let no release of the app below this counter run any more')
    .option('--manifest <file>', 'what the app asks for (default: wafer.yaml beside the file)');
  addPassphraseOptions(addKeysOption(command));

  addBuildCommand(program, context);
}

function addBuildCommand(program: Command, context: Context): void {
  addCommand(
    program,
    'build <file>',
    'make the component that publish would publish, without publishing it',
    context,
    async ([file = ''], command) => {
      const options = command.opts<{ output: string; module?: boolean }>();
      const source = resolve(context.cwd, file);
      const output = resolve(context.cwd, options.output);
      if (options.module === true) return buildModule(source, output, context);
      const { component } = await load(source, warner(context));
      const { world, imports, exports } = await inspect(component);
      await writeFile(output, component);
      const digest = sha256(component);
      return {
        json: { output, digest, length: component.length, world, imports, exports },
        text: () => `${output}: ${world} of ${component.length} bytes, SHA-256 ${digest}`,
      };
    },
  )
    .requiredOption('--output <file>', 'where the component goes')
    .option('--module', 'of a .c file: the WASI preview 1 module that publish would adapt');
}

async function buildModule(file: string, output: string, context: Context): Promise<Result> {
  if (extname(file) !== '.c')
    throw new WaferError('cli.usage', `--module is for .c files, which ${file} is none of`);
  const { compileC } = await import('./c/compile.ts');
  const onWarning = warner(context);
  const module = await compileC(file, { keepsNames: false, onFile: () => undefined, onWarning });
  if (kindOf(module) !== 'module')
    throw new WaferError('cli.usage', `${file} has a .wit beside it, so it is a component: omit --module`);
  await writeFile(output, module);
  const digest = sha256(module);
  return {
    json: { output, digest, length: module.length },
    text: () => `${output}: WASI preview 1 module of ${module.length} bytes, SHA-256 ${digest}`,
  };
}

function describe({
  app,
  version,
  digest,
  length,
  counter,
  world,
  fresh,
  channel,
  devices,
  pending,
  warnings,
}: Published): string {
  const head = pending !== null ? 'not published yet:' : fresh ? 'published' : 'was published already:';
  const told = `${devices} ${devices === 1 ? 'device was' : 'devices were'} told`;
  return [
    `${head} ${app} ${version}, release ${counter} of the app`,
    `  ${world} of ${length} bytes, SHA-256 ${digest}`,
    ...(pending === null ? [] : [describeOutcome(pending)]),
    channel === null ? '  no channel was moved' : `  channel ${channel} holds it now; ${told}`,
    ...warnings.map((line) => `warning: ${line}`),
  ].join('\n');
}
