/** Trimmed bindings do what the transpiler's own do, for each guest here, call by call. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { $init, generate } from '@bytecodealliance/jco-transpile/component';
import { beforeAll, describe, expect, it } from 'vitest';
import { BOUNDED } from '../../src/apps/bounded.ts';
import { WitError } from '../../src/capabilities/host.ts';
import { asFunctionBody, countInstances } from '../../src/apps/transpile.ts';
import { trimBindings } from '../../src/apps/trim/trim.ts';
import { command, reactor } from './components.ts';
import { puppet } from './harness.ts';

type Exports = Record<string, Record<string, (...args: unknown[]) => unknown>>;
type Instantiate = (getCoreModule: (name: string) => WebAssembly.Module, imports: object) => Exports;

interface Bindings {
  readonly own: string;
  readonly trimmed: string;
  readonly modules: Map<string, WebAssembly.Module>;
}

beforeAll(() => $init);

function bindingsOf(component: Uint8Array): Bindings {
  const { files } = generate(component, {
    name: 'component',
    instantiation: { tag: 'sync' },
    noTypescript: true,
    noNodejsCompat: true,
    base64Cutoff: 0,
    map: [],
  });
  const source = new TextDecoder().decode(files.find(([name]) => name === 'component.js')![1]);
  const own = asFunctionBody(source);
  const wasm = files.filter(([name]) => name.endsWith('.wasm'));
  const modules = new Map(wasm.map(([name, bytes]) => [name, new WebAssembly.Module(bytes.slice())]));
  return { own, trimmed: trimBindings(own), modules };
}

const instantiate = (body: string, modules: Bindings['modules'], imports: object): Exports =>
  (compileFunction(body, Object.keys(BOUNDED)) as (...args: unknown[]) => Instantiate)(
    ...Object.values(BOUNDED),
  )((name) => modules.get(name)!, imports);

const outcome = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return `${(error as Error).constructor.name}: ${(error as Error).message}`;
  }
};

/** Runs it once with either bindings; both must tell the same. */
function both({ own, trimmed, modules }: Bindings, run: (make: (imports: object) => Exports) => unknown) {
  const tell = (body: string): unknown => run((imports) => instantiate(body, modules, imports));
  const told = tell(own);
  expect(tell(trimmed)).toEqual(told);
  return told;
}

const echo = () => readFileSync(join(import.meta.dirname, '../../../examples/echo-c/echo.wasm'));

/** A board that writes down what the guest asks of it. */
function messaging(send: (topic: string, text: string) => void) {
  const told: string[] = [];
  class Client {
    static connect(name: string): Client {
      told.push(`connect ${name}`);
      return new Client(name);
    }
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
  }
  class Message {
    readonly bytes: Uint8Array;
    constructor(bytes: Uint8Array) {
      this.bytes = bytes;
      told.push(`message of ${bytes.length}`);
    }
    data(): Uint8Array {
      return this.bytes;
    }
    [Symbol.dispose](): void {
      told.push('dropped');
    }
  }
  const imports = {
    'wasi:messaging/types': { Client, Message },
    'wasi:messaging/producer': {
      send: (_: Client, topic: string, message: Message) => {
        const text = Buffer.from(message.bytes).toString();
        told.push(`send ${topic} ${text}`);
        send(topic, text);
      },
    },
  };
  return { told, imports, message: (text: string) => new Message(Buffer.from(text)) };
}

describe('trimmed bindings', () => {
  it('are a fraction of the size and name no task any more', async () => {
    const guests = [echo(), puppet, await command('(i32.const 0)'), await reactor({})];
    for (const { own, trimmed } of guests.map(bindingsOf)) {
      expect(trimmed.length).toBeLessThan(own.length / 2);
      expect(trimmed).not.toMatch(/\b(AsyncTask|createNewCurrentTask|_debugLog)\b/);
    }
  });

  it('instantiate every core module as often as before, for memory limits count on it', () => {
    for (const { own, trimmed } of [echo(), puppet].map(bindingsOf)) {
      expect(countInstances(trimmed)).toEqual(countInstances(own));
    }
  });

  it('carry messages, handles and answers alike', () => {
    const told = both(bindingsOf(echo()), (make) => {
      const board = messaging(() => undefined);
      const { lifecycle, incomingHandler } = make(board.imports);
      const answers = [lifecycle!['start']!()];
      for (const text of ['one', '', 'three'.repeat(1000)]) {
        answers.push(incomingHandler!['handle']!(board.message(text)));
      }
      return { answers, told: board.told };
    });
    expect(told).toMatchObject({ told: expect.arrayContaining(['connect ', 'send replies one', 'dropped']) });
  });

  it('hand errors of an import to the guest, and those of the guest to the host', () => {
    const denial = { tag: 'permission-denied', val: 'no grant' };
    const told = both(bindingsOf(echo()), (make) => {
      const board = messaging(() => {
        throw new WitError(denial);
      });
      const { lifecycle, incomingHandler } = make(board.imports);
      lifecycle!['start']!();
      try {
        return incomingHandler!['handle']!(board.message('x'));
      } catch (error) {
        return (error as { payload: unknown }).payload;
      }
    });
    expect(told).toEqual(denial);
  });

  it('let errors that are no answer through, and go on', () => {
    const told = both(bindingsOf(echo()), (make) => {
      let isBroken = true;
      const board = messaging(() => {
        if (isBroken) throw new RangeError('the host is broken');
      });
      const { lifecycle, incomingHandler } = make(board.imports);
      lifecycle!['start']!();
      const first = outcome(() => incomingHandler!['handle']!(board.message('x')));
      isBroken = false;
      return [first, outcome(() => incomingHandler!['handle']!(board.message('y')))];
    });
    expect(told).toEqual(['RangeError: the host is broken', undefined]);
  });

  it('enter no instance again that has trapped', async () => {
    const bindings = bindingsOf(await reactor({ tick: 'unreachable' }));
    const told = both(bindings, (make) => {
      const { lifecycle, timer } = make({ 'wasi:http/types': { httpErrorCode: () => 0 } });
      return [
        outcome(() => lifecycle!['start']!()),
        outcome(() => timer!['tick']!()),
        outcome(() => lifecycle!['start']!()),
      ];
    });
    expect(told).toEqual([
      undefined,
      'RuntimeError: wasm trap: wasm `unreachable` instruction executed',
      'RuntimeError: wasm trap: cannot enter component instance',
    ]);
  });

  it('stay as they were made where something in them is asynchronous or not understood', () => {
    const { own } = bindingsOf(echo());
    for (const [was, is] of [
      ['funcTypeIsAsync: false', 'funcTypeIsAsync: true'],
      ['const started = task.enterSync()', 'const entered = task.enterSync()'],
    ] as const) {
      const other = own.replaceAll(was, is);
      expect(other).not.toBe(own);
      expect(trimBindings(other)).toBe(other);
    }
  });
});
