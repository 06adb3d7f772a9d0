/** `wafer secret`: where values come from, and that none is ever said. */
import { PassThrough } from 'node:stream';
import { MAX_SECRET_BYTES } from '@wafer/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { askHidden } from '../src/secrets/hidden.ts';
import { type Person, signedIn } from './person.ts';

const VALUE = 'correct-horse-battery-staple';

let person: Person;
afterEach(() => person.leave());

const stored = (key: string): Buffer | undefined => {
  const base64 = person.server.secrets.get(key);
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
};

describe('wafer secret set', () => {
  it.each([
    ['with a line break', `${VALUE}\n`, VALUE],
    ['with that of Windows', `${VALUE}\r\n`, VALUE],
    ['without one', VALUE, VALUE],
    ['of several lines', `one\ntwo\n\n`, `one\ntwo\n`],
  ])('takes standard input %s', async (_, stdin, value) => {
    person = await signedIn({ stdin });
    const run = await person.wafer('secret', 'set', 'thermo', 'api-key');
    expect(run).toEqual(
      expect.objectContaining({
        exit: 0,
        stdout: 'api-key of thermo is set; devices told: 2\n',
        stderr: '',
      }),
    );
    expect(stored('thermo/api-key')?.toString()).toBe(value);
  });

  it('takes bytes that are no text, from standard input and from a file, break at the end and all', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe, 0x0a]);
    person = await signedIn({ stdin: bytes });
    await person.wafer('secret', 'set', 'thermo', 'piped');
    await person.wafer('secret', 'set', 'thermo', 'filed', '--file', await person.file('key', bytes));
    expect(stored('thermo/piped')).toEqual(bytes.subarray(0, 3));
    expect(stored('thermo/filed')).toEqual(bytes);
  });

  it('asks a person at a terminal, and says the value nowhere', async () => {
    person = await signedIn({ terminal: true, types: VALUE });
    const run = await person.wafer('secret', 'set', 'thermo', 'api-key', '--channel', 'beta', '--json');
    expect(run.exit).toBe(0);
    expect(run.json()).toEqual({ app: 'thermo', name: 'api-key', channel: 'beta', devices: 2 });
    expect(run.stdout + run.stderr + person.server.requests.join()).not.toContain(VALUE);
    expect(stored('thermo/api-key?channel=beta')?.toString()).toBe(VALUE);
  });

  it.each([
    ['an empty value', '\n', [], 2, 'cli.usage'],
    ['a value that is too large', 'x'.repeat(MAX_SECRET_BYTES + 1), [], 4, 'secret.too-large'],
    ['a file that is not there', '', ['--file', 'nowhere'], 2, 'cli.usage'],
    ['a channel that is none', VALUE, ['--channel', '*'], 2, 'cli.usage'],
    ['a value as an argument', VALUE, ['a-value'], 2, 'cli.usage'],
  ])('refuses %s before anything is sent', async (_, stdin, more, exit, code) => {
    person = await signedIn({ stdin });
    const run = await person.wafer('secret', 'set', 'thermo', 'api-key', ...more);
    expect(run.exit).toBe(exit);
    expect(run.stderr).toContain(`error ${code}: `);
    expect(run.stderr).not.toContain(VALUE);
    expect(person.server.requests).toEqual([]);
  });

  it('refuses a name that is none', async () => {
    person = await signedIn({ stdin: VALUE });
    const run = await person.wafer('secret', 'set', 'thermo', 'API_KEY');
    expect(run).toMatchObject({ exit: 2 });
    expect(run.stderr).toMatch(/^error cli.usage: "API_KEY" is no secret: a secret name is 1 to 63 of a-z/);
  });

  it('says in its help where the value comes from', async () => {
    person = await signedIn();
    expect((await person.wafer('secret', 'set', '--help')).stdout).toMatch(/never an argument/);
  });
});

describe('wafer secret list and remove', () => {
  it('show names and take them away', async () => {
    person = await signedIn({ stdin: VALUE });
    expect((await person.wafer('secret', 'list', 'thermo')).stdout).toBe('thermo has no secrets\n');
    await person.wafer('secret', 'set', 'thermo', 'api-key');
    await person.wafer('secret', 'set', 'thermo', 'token', '--channel', 'beta');
    const list = await person.wafer('secret', 'list', 'thermo');
    expect(list.stdout).toMatch(
      /^NAME {5}CHANNEL {2}SET {23}BY\napi-key {2}all .*\ntoken {4}beta .*user:admin\n$/,
    );
    expect(list.stdout).not.toContain(VALUE);
    expect((await person.wafer('secret', 'list', 'thermo', '--json')).json()).toMatchObject([
      { name: 'api-key', channel: null },
      { name: 'token', channel: 'beta' },
    ]);
    const removed = await person.wafer('secret', 'remove', 'thermo', 'token', '--channel', 'beta');
    expect(removed.stdout).toBe('token of thermo is removed on beta; devices told: 2\n');
    const again = await person.wafer('secret', 'remove', 'thermo', 'token', '--json');
    expect(again).toMatchObject({ exit: 4 });
    expect(again.json()).toMatchObject({ code: 'secret.not-found', status: 404 });
  });
});

describe('a value that is typed', () => {
  const terminal = () => {
    const input = new PassThrough();
    const output = new PassThrough();
    return { input, output, shown: () => String(output.read() ?? '') };
  };

  it('is not shown, and can be corrected', async () => {
    person = await signedIn();
    const { input, output, shown } = terminal();
    const asked = askHidden(input, output, 'value: ');
    input.write(`${VALUE}x\x7f\r`);
    expect(await asked).toBe(VALUE);
    expect(shown()).toBe('value: \n');
  });

  it.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('is broken off by %s', async (_, key) => {
    person = await signedIn();
    const { input, output } = terminal();
    const asked = askHidden(input, output, 'value: ');
    input.write(key);
    await expect(asked).rejects.toThrow('no value was entered');
  });
});
