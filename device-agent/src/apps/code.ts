/** An image as an isolate holds it: its script compiled, its modules as they came. */
import { compileFunction } from 'node:vm';
import { BOUNDED } from './bounded.ts';
import type { CompiledModule, Image } from './port.ts';

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, Record<string, (...args: unknown[]) => unknown>>;

export interface Code {
  readonly instantiate: Instantiate;
  readonly modules: readonly CompiledModule[];
}

const nothing = (): void => undefined;
const silentConsole = { debug: nothing, error: nothing, log: nothing, warn: nothing };

/** The bindings run with only WebAssembly within reach: what else a script could name is shadowed or bounded. */
const SHADOWED: Readonly<Record<string, unknown>> = {
  globalThis: { WebAssembly },
  console: silentConsole,
  process: undefined,
  require: undefined,
  fetch: undefined,
  ...BOUNDED,
};

export function compileImage({ script, modules }: Image): Code {
  const body = compileFunction(script, Object.keys(SHADOWED)) as (...args: unknown[]) => Instantiate;
  return { instantiate: body(...Object.values(SHADOWED)), modules };
}
