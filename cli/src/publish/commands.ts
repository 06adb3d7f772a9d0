/** `wafer publish`, and `wafer build`, which makes the component only. */
import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { addKeysOption, type KeysOptions, keyringOf } from '../trust/options.ts';
import { addPassphraseOptions } from '../trust/passphrase.ts';
import { sha256 } from '../trust/documents.ts';
import { inspect } from './component.ts';
import { loadComponent } from './load.ts';
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
    'sign a component, a WASI preview 1 module or a .js guest and bring it to a channel',
    context,
    async ([file = ''], command) => {
      const options = command.opts<PublishOptions>();
      const prepared = await prepare({
        file: resolve(context.cwd, file),
        manifest: options.manifest === undefined ? undefined : resolve(context.cwd, options.manifest),
        app: options.app,
        version: options.version,
        channel: options.channel === false ? undefined : options.channel,
        floor: options.floor,
      });
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
      const options = command.opts<{ output: string }>();
      const component = await loadComponent(resolve(context.cwd, file));
      const { world, imports, exports } = await inspect(component);
      const output = resolve(context.cwd, options.output);
      await writeFile(output, component);
      const digest = sha256(component);
      return {
        json: { output, digest, length: component.length, world, imports, exports },
        text: () => `${output}: ${world} of ${component.length} bytes, SHA-256 ${digest}`,
      };
    },
  ).requiredOption('--output <file>', 'where the component goes');
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
  warnings,
}: Published): string {
  const told = `${devices} ${devices === 1 ? 'device was' : 'devices were'} told`;
  return [
    `${fresh ? 'published' : 'was published already:'} ${app} ${version}, release ${counter} of the app`,
    `  ${world} of ${length} bytes, SHA-256 ${digest}`,
    channel === null ? '  no channel was moved' : `  channel ${channel} holds it now; ${told}`,
    ...warnings.map((line) => `warning: ${line}`),
  ].join('\n');
}
