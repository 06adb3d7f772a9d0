/**
 * Starts the children that transpile, one for each component. Where a person waits for every swap, one is
 * kept ready that has transpiled the last component already, for practice: its code is compiled by then,
 * which is three quarters of the work. It is used once and thrown away like any other; a board keeps none,
 * for it holds 150 MB.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { makeExpendable } from '../memory/expendable.ts';

export interface TranspilersOptions {
  /** Folder that the children's own folders are made in. */
  readonly folder: string;
  readonly script: string;
  /** Most that a child's own memory may grow to, MiB. */
  readonly memoryMiB: number;
}

export class Transpilers {
  readonly #options: TranspilersOptions;
  #folder: string;
  #spare: ChildProcess | undefined;

  constructor(options: TranspilersOptions) {
    this.#options = options;
    this.#folder = this.#newFolder();
  }

  /** Where the next child will write; it is the caller's to make. */
  get folder(): string {
    return this.#folder;
  }

  /** The next child, which takes the component on its standard input. */
  start(): ChildProcess {
    const child = this.#spare ?? this.#launch();
    this.#spare = undefined;
    this.#folder = this.#newFolder();
    return child;
  }

  /** Has a child ready, unless there is one. */
  practise(component: Uint8Array): void {
    if (this.#spare !== undefined) return;
    const spare = this.#launch('practise');
    this.#spare = spare;
    const gone = (): void => {
      if (this.#spare === spare) this.#spare = undefined;
    };
    spare.on('error', gone);
    spare.on('close', gone);
    // One that dies of it closes the pipe, and is not used.
    const practice = spare.stdio[3] as Writable;
    practice.on('error', () => undefined);
    practice.end(component);
  }

  close(): void {
    this.#spare?.kill('SIGKILL');
    this.#spare = undefined;
  }

  #newFolder(): string {
    return join(this.#options.folder, `tmp-${process.pid}-${randomUUID()}`);
  }

  #launch(...args: 'practise'[]): ChildProcess {
    const { script, memoryMiB } = this.#options;
    const flags = [
      // It runs once: optimising its code takes half again as long, and 100 MB, and pays for neither.
      '--liftoff-only',
      `--max-old-space-size=${memoryMiB}`,
      `--wasm-max-mem-pages=${memoryMiB * 16}`,
    ];
    const child = spawn(process.execPath, [...flags, script, this.#folder, ...args], {
      env: {},
      stdio: ['pipe', 'ignore', 'pipe', ...args.map(() => 'pipe' as const)],
    });
    makeExpendable(child);
    return child;
  }
}
