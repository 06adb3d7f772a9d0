/** From what the person wrote to what the local agent loads. Nothing is made twice of the same sources. */
import { describeRefusal, type Refusal, refusals, AppName, Version, WaferError } from '@wafer/protocol';
import type { DevSpec } from '@wafer/protocol/dev';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { nameOf } from '../inspect/starter.ts';
import { inspect, type Inspection } from '../publish/component.ts';
import { compileC } from '../publish/c/compile.ts';
import { fromBinary, load, type Loaded, type Warn } from '../publish/load.ts';
import { findManifest, worldMismatch } from '../publish/manifest.ts';
import { sha256 } from '../trust/documents.ts';

export interface Built {
  readonly component: Uint8Array;
  readonly spec: DevSpec;
  /** Why an agent would not run it, each with the grant that would help; empty when it would. */
  readonly refused: readonly (Refusal & { readonly reason: string })[];
}

interface Made extends Inspection {
  /** Of the sources, or what a compiler made of them. */
  readonly digest: string;
  readonly component: Uint8Array;
}

export interface BuilderOptions {
  /** Absolute path. */
  readonly file: string;
  /** The manifest that was named; else the one beside the file. */
  readonly manifest: string | undefined;
  /** Told of every file that the result depends on. */
  readonly onFile: (file: string) => void;
  readonly warn: Warn;
}

export class Builder {
  readonly #options: BuilderOptions;
  #made: Made | undefined;
  #count = 0;
  #root: string;

  constructor(options: BuilderOptions) {
    this.#options = options;
    this.#root = dirname(options.file);
  }

  /** The folder that the engine names the guest's files from. */
  get root(): string {
    return this.#root;
  }

  /** Throws the WaferErrors of `wafer build`, and manifest.invalid. */
  async build(): Promise<Built> {
    const { file, manifest: named, onFile } = this.#options;
    onFile(file);
    onFile(named ?? join(dirname(file), 'wafer.yaml'));
    const found = await findManifest(file, named);
    const { manifest } = found;
    const { component, world, imports, exports } = await this.#make();
    const mismatch = worldMismatch(found, world);
    if (mismatch !== undefined) throw new WaferError('manifest.invalid', mismatch);
    this.#count += 1;
    return {
      component,
      refused: refusals(imports, manifest.grants).map((refusal) => ({
        ...refusal,
        reason: describeRefusal(refusal),
      })),
      spec: {
        app: manifest.app ?? appName(file),
        version: Version.parse(`0.0.0-dev.${this.#count}`),
        world,
        exports,
        grants: manifest.grants,
        config: manifest.config,
        secrets: {},
        limits: manifest.limits,
        isolation: manifest.isolation,
        triggers: manifest.triggers,
        health: manifest.health,
      },
    };
  }

  #make(): Promise<Made> {
    return extname(this.#options.file) === '.c' ? this.#makeC() : this.#makeOther();
  }

  /** clang is quick: it is asked each time, and says itself what a guest is made of. */
  async #makeC(): Promise<Made> {
    const { file, onFile, warn } = this.#options;
    const bytes = await compileC(file, { keepsNames: true, onFile, onWarning: warn });
    return this.#unlessMade(sha256(bytes), () => fromBinary(bytes, file));
  }

  async #makeOther(): Promise<Made> {
    const { file, onFile, warn } = this.#options;
    const files = new Set([file]);
    if (['.js', '.mjs'].includes(extname(file))) {
      const { readModules } = await import('../publish/javascript/modules.ts');
      const modules = await readModules(file, (each) => {
        files.add(each);
        onFile(each);
      });
      this.#root = modules.root;
    }
    return this.#unlessMade(await digestOf(files), () => load(file, warn));
  }

  async #unlessMade(digest: string, make: () => Promise<Loaded>): Promise<Made> {
    if (this.#made?.digest === digest) return this.#made;
    const { component } = await make();
    this.#made = { ...(await inspect(component)), digest, component };
    return this.#made;
  }
}

function appName(file: string): AppName {
  const parsed = AppName.safeParse(nameOf(file));
  return parsed.success ? parsed.data : AppName.parse('guest');
}

async function digestOf(files: ReadonlySet<string>): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      hash.update(`${file}\0`).update(await readFile(file));
    } catch (error) {
      throw new WaferError('cli.usage', `${basename(file)} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return hash.digest('hex');
}
