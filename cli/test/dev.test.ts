/** `wafer dev` as a person runs it: a process, files that are edited, lines that are typed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Told } from '../src/dev/events.ts';
import { reactor } from './guests.ts';

const WAFER = resolve(import.meta.dirname, '../wafer.mjs');
const ECHO = resolve(import.meta.dirname, '../../examples/echo-c');
const THERMO = resolve(import.meta.dirname, '../../examples/thermo');
/** Generous: the machine may be busy. What a swap takes is printed, and measured elsewhere. */
const WITHIN = { timeout: 50_000, interval: 50 };
const LONG = { timeout: 120_000 };

function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-dev-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** Processes whose parent is `parent`. */
const childrenOf = (parent: number): number[] =>
  readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);

function startDev(folder: string, ...args: string[]) {
  const child = spawn(process.execPath, [WAFER, 'dev', ...args], { cwd: folder, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const closed = once(child, 'close');
  return {
    child,
    lines,
    stderr: () => stderr,
    type: (line: string) => child.stdin.write(`${line}\n`),
    exit: async () => (await closed)[0] as number | null,
    /** Every event so far, of a run with --json. */
    events: () => lines.map((line) => JSON.parse(line) as Told),
  };
}

const kinds = (events: readonly Told[], event: Told['event']) =>
  events.filter((each) => each.event === event);

describe('wafer dev on thermo', () => {
  it(
    'swaps what was edited with its state, keeps what runs when it breaks, and leaves nothing',
    LONG,
    async () => {
      const folder = folderOf({});
      for (const name of ['thermo-1.1.0.js', 'sensor.js', 'wafer.yaml'])
        cpSync(join(THERMO, name), join(folder, name));
      const run = startDev(folder, 'thermo-1.1.0.js', '--json');
      const count = (event: Told['event']) => kinds(run.events(), event).length;
      await expect.poll(() => count('swapped'), WITHIN).toBe(1);
      const edit = (name: string, from: string, to: string) => {
        const text = readFileSync(join(folder, name), 'utf8');
        expect(text).toContain(from);
        writeFileSync(join(folder, name), text.replace(from, to));
      };

      await expect.poll(() => count('publish'), WITHIN).toBeGreaterThan(0);
      const readings = () =>
        run.events().flatMap((each) => (each.event === 'publish' ? [JSON.parse(each.text ?? '')] : [])) as {
          since?: string;
          edited?: boolean;
        }[];
      const { since } = readings()[0] ?? {};
      expect(since).toBeDefined();

      // A file that the guest imports, so that what it sends changes; what it had seen it still knows.
      edit('thermo-1.1.0.js', 'unit, ...seen', 'unit, edited: true, ...seen');
      await expect.poll(() => count('swapped'), WITHIN).toBe(2);
      await expect.poll(() => readings().at(-1), WITHIN).toMatchObject({ edited: true, since });
      expect(kinds(run.events(), 'swapped')[1]).toMatchObject({
        figures: { cause: 'release', lostCalls: 0, gapMs: expect.any(Number) as number },
        buildMs: expect.any(Number) as number,
        totalMs: expect.any(Number) as number,
      });

      edit('sensor.js', "const LOADAVG = '/proc/loadavg';", 'const LOADAVG = ;');
      await expect.poll(() => count('build-failed'), WITHIN).toBe(1);
      expect(kinds(run.events(), 'build-failed')[0]).toMatchObject({
        code: 'component.unsupported',
        message: expect.stringMatching(/unexpected token.*\n +at sensor\.js:\d+:\d+$/) as string,
      });
      const before = readings().length;
      await expect.poll(() => readings().length, WITHIN).toBeGreaterThan(before);
      expect(readings().at(-1)).toMatchObject({ edited: true, since });

      edit('sensor.js', 'const LOADAVG = ;', "const LOADAVG = '/proc/loadavg';");
      run.type('commands/read {"id":7}');
      await expect.poll(() => readings().some((each) => 'id' in each), WITHIN).toBe(true);

      const [agent = 0] = childrenOf(run.child.pid ?? 0);
      expect(agent).toBeGreaterThan(0);
      run.type('q');
      expect(await run.exit()).toBe(0);
      expect(existsSync(`/proc/${agent}`)).toBe(false);
      expect(run.stderr()).toBe('');
    },
  );
});

describe('wafer dev', () => {
  it('names what an import needs, and runs once wafer.yaml grants it', LONG, async () => {
    const folder = folderOf({ 'demo.wasm': await reactor(['wasi:random/random@0.2.12']) });
    const run = startDev(folder, 'demo.wasm');
    await expect
      .poll(() => run.lines.join('\n'), WITHIN)
      .toContain('it imports wasi:random/random@0.2.12, which needs the grant "random"');
    writeFileSync(join(folder, 'wafer.yaml'), 'grants: { random: true }');
    await expect.poll(() => run.lines.join('\n'), WITHIN).toMatch(/started in \d+\.\d+ s \(build /);
    // No terminal, no colours.
    expect(run.lines.join('')).not.toContain('\u001b');
    run.child.kill('SIGINT');
    expect(await run.exit()).toBe(0);
  });

  it(
    'shows an error of the guest with the places in its files, and whose import answered',
    LONG,
    async () => {
      const folder = folderOf({
        'part.js': `import { send } from 'wasi:messaging/producer@0.2.0-draft';
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';
export const say = (topic) => send(Client.connect(''), topic, new Message(new Uint8Array(1)));
export const beat = (heart) => heart.beat();`,
        'guest.js': `import { beat, say } from './part.js';
export const lifecycle = { start() {}, stop() {} };
export const incomingHandler = {
  handle(message) {
    if (message.topic() === 'do/beat') beat(null);
    say('secrets/x');
  },
};`,
        'wafer.yaml': `grants: { clock: true, messaging: { publish: ['out/#'], subscribe: ['do/#'] } }`,
      });
      const run = startDev(folder, 'guest.js', '--json');
      await expect.poll(() => kinds(run.events(), 'swapped').length, WITHIN).toBe(1);
      run.type('do/beat');
      run.type('do/say');
      await expect.poll(() => kinds(run.events(), 'fault').length, WITHIN).toBe(3);
      const faults = run.events().flatMap((each) => (each.event === 'fault' ? [each.fault.message] : []));
      const withoutColumns = (text = '') => text.replaceAll(/:\d+\)$/gm, ')');
      expect(withoutColumns(faults[0])).toBe(
        [
          `The guest's handle answered an error: other: TypeError: cannot read property 'beat' of null`,
          '    at beat (part.js:4)',
          '    at handle (guest.js:5)',
        ].join('\n'),
      );
      expect(withoutColumns(faults[2])).toBe(
        [
          `The guest's handle answered an error: other: wasi:messaging/producer#send answered permission-denied: no grant covers secrets/x`,
          '    at say (part.js:3)',
          '    at handle (guest.js:6)',
        ].join('\n'),
      );
      run.type('q');
      expect(await run.exit()).toBe(0);
    },
  );

  it.runIf(existsSync('/usr/bin/clang') && existsSync('/usr/lib/wasm32-wasi/libc.a'))(
    'compiles C with the names of its functions, and watches what it includes',
    LONG,
    async () => {
      const folder = folderOf({
        'guest.c': '#include "part.h"\nint main(void) { return measure(0); }\n',
        'wafer.yaml': 'grants: { clock: true }',
      });
      const run = startDev(folder, 'guest.c', '--json');
      await expect.poll(() => kinds(run.events(), 'build-failed').length, WITHIN).toBe(1);
      expect(kinds(run.events(), 'build-failed')[0]).toMatchObject({
        message: expect.stringContaining("guest.c:1:10: fatal error: 'part.h' file not found") as string,
      });
      writeFileSync(
        join(folder, 'part.h'),
        'static int measure(int *p) { if (!p) __builtin_trap(); return *p; }\n',
      );
      await expect.poll(() => kinds(run.events(), 'failed').length, WITHIN).toBe(1);
      expect(kinds(run.events(), 'failed')[0]).toMatchObject({
        serving: false,
        fault: {
          kind: 'trap',
          message: expect.stringMatching(/\n {4}at measure \(wasm-function\[/) as string,
        },
      });
      writeFileSync(join(folder, 'part.h'), 'static int measure(int *p) { return p != 0; }\n');
      await expect.poll(() => kinds(run.events(), 'swapped').length, WITHIN).toBe(1);
      writeFileSync(join(folder, 'part.h'), 'static int measure(int *p) { retur p != 0; }\n');
      await expect.poll(() => kinds(run.events(), 'build-failed').length, WITHIN).toBe(2);
      expect(kinds(run.events(), 'build-failed')[1]).toMatchObject({
        message: expect.stringContaining('part.h:1:') as string,
      });
      run.type('q');
      expect(await run.exit()).toBe(0);
    },
  );

  it.runIf(existsSync('/usr/bin/clang') && existsSync('/usr/bin/wasm-ld'))(
    'makes C a component once a .wit stands beside it, and watches that too',
    LONG,
    async () => {
      const folder = folderOf({ 'echo.c': readFileSync(join(ECHO, 'echo.c')) });
      cpSync(join(ECHO, 'wafer.yaml'), join(folder, 'wafer.yaml'));
      const run = startDev(folder, 'echo.c', '--json');
      await expect.poll(() => kinds(run.events(), 'build-failed').length, WITHIN).toBe(1);
      const wit = readFileSync(join(ECHO, 'echo.wit'), 'utf8');
      writeFileSync(join(folder, 'echo.wit'), wit);
      await expect.poll(() => kinds(run.events(), 'swapped').length, WITHIN).toBe(1);
      run.type('echo/here {"a":1}');
      await expect
        .poll(() => kinds(run.events(), 'publish'), WITHIN)
        .toMatchObject([{ topic: 'replies', text: '{"a":1}' }]);
      writeFileSync(join(folder, 'echo.wit'), wit.replace('producer', 'courier'));
      await expect.poll(() => kinds(run.events(), 'build-failed').length, WITHIN).toBe(2);
      expect(kinds(run.events(), 'build-failed')[1]).toMatchObject({
        message: expect.stringMatching(/^echo\.wit: .*courier/s) as string,
      });
      run.type('q');
      expect(await run.exit()).toBe(0);
    },
  );

  it('takes the agent with it when it is killed', LONG, async () => {
    const folder = folderOf({ 'demo.wasm': await reactor() });
    const run = startDev(folder, 'demo.wasm', '--json');
    await expect.poll(() => kinds(run.events(), 'swapped').length, WITHIN).toBe(1);
    const [agent = 0] = childrenOf(run.child.pid ?? 0);
    run.child.kill('SIGKILL');
    await run.exit();
    await expect.poll(() => existsSync(`/proc/${agent}`), WITHIN).toBe(false);
  });

  it('waits for a file that is not there yet', LONG, async () => {
    const folder = folderOf({});
    const run = startDev(folder, 'later.wasm', '--json');
    await expect.poll(() => kinds(run.events(), 'build-failed').length, WITHIN).toBe(1);
    writeFileSync(join(folder, 'later.wasm'), await reactor());
    await expect.poll(() => kinds(run.events(), 'swapped').length, WITHIN).toBe(1);
    run.type('q');
    expect(await run.exit()).toBe(0);
  });
});
