/** Signing in, and what a script sees: credentials, private CAs, servers that are away, pure JSON. */
import { execFile } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { privateCa } from './private-ca.ts';
import { FleetServer, problem, TOKEN } from './fleet-server.ts';
import { padded, reactor } from './guests.ts';
import { type Person, signedIn } from './person.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn({ stdin: `${TOKEN}\n` });
});
afterEach(() => person.leave());

const kept = async () =>
  JSON.parse(await readFile(join(person.folder, 'wafer/credentials.json'), 'utf8')) as Record<string, string>;

describe('wafer login', () => {
  it('keeps a token that works, readable by its owner only', async () => {
    const run = await person.wafer('login', '--server', `${person.origin}/`, '--token', TOKEN);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toMatch(/as admin \(admin\)/);
    expect(run.stdout).not.toContain(TOKEN);
    expect(await kept()).toEqual({ api: person.origin, token: TOKEN });
    const { mode } = await stat(join(person.folder, 'wafer/credentials.json'));
    expect((mode & 0o777).toString(8)).toBe('600');
  });

  it('reads the token from standard input, so that it stands in no process list', async () => {
    expect(await person.wafer('login', '--server', person.origin, '--token', '-')).toMatchObject({ exit: 0 });
    expect((await kept())['token']).toBe(TOKEN);
  });

  it('keeps nothing of a token that does not work', async () => {
    const run = await person.wafer('login', '--server', person.origin, '--token', 'wrong');
    expect(run).toMatchObject({ exit: 3 });
    expect(run.stderr).toMatch(/^error auth\.required: the token is not known/);
    await expect(kept()).rejects.toThrow('ENOENT');
  });

  it('sends no token in clear to another machine', async () => {
    const run = await person.wafer('login', '--server', 'http://fleet.example', '--token', TOKEN);
    expect(run).toMatchObject({ exit: 2 });
    expect(run.stderr).toMatch(/plain http is only for this machine/);
  });
});

describe('a server with a CA of its own', () => {
  let secure: FleetServer;
  let origin: string;
  let ca: Awaited<ReturnType<typeof privateCa>>;
  beforeEach(async () => {
    ca = await privateCa();
    secure = new FleetServer();
    origin = await secure.listen(ca.server);
  });
  afterEach(() => secure.close());

  it('is not trusted without being told', async () => {
    const run = await person.wafer('login', '--server', origin, '--token', TOKEN);
    expect(run).toMatchObject({ exit: 6 });
    expect(run.stderr).toMatch(
      /certificate is not trusted; sign in with wafer login --ca FILE or --ca-sha256/,
    );
    expect(secure.requests).toEqual([]);
  });

  it('is trusted by the file of its CA', async () => {
    const file = await person.file('ca.pem', ca.pem);
    expect(await person.wafer('login', '--server', origin, '--token', TOKEN, '--ca', file)).toMatchObject({
      exit: 0,
    });
    expect((await kept())['ca']).toBe(ca.pem);
  });

  it('is trusted by the SHA-256 of its CA, in hexadecimal or as a claim token has it', async () => {
    const asToken = Buffer.from(ca.sha256, 'hex').toString('base64url');
    for (const fingerprint of [ca.sha256, asToken]) {
      const run = await person.wafer(
        'login',
        '--server',
        origin,
        '--token',
        TOKEN,
        '--ca-sha256',
        fingerprint,
      );
      expect(run).toMatchObject({ exit: 0, stderr: '' });
    }
    expect((await kept())['ca']).toContain('BEGIN CERTIFICATE');
  });

  it('is not given the token when its CA is another one', async () => {
    const run = await person.wafer(
      'login',
      '--server',
      origin,
      '--token',
      TOKEN,
      '--ca-sha256',
      'ab'.repeat(32),
    );
    expect(run).toMatchObject({ exit: 3 });
    expect(run.stderr).toMatch(/presents no certificate with the SHA-256 abab/);
    expect(secure.requests).toEqual([]);
  });

  it('is refused when an impostor presents the genuine CA without holding its key', async () => {
    const impostor = new FleetServer();
    const other = await privateCa();
    const chain = { key: other.server.key, cert: other.server.cert + ca.pem };
    const run = await person.wafer(
      'login',
      '--server',
      await impostor.listen(chain),
      '--token',
      TOKEN,
      '--ca-sha256',
      ca.sha256,
    );
    await impostor.close();
    expect(run.exit).not.toBe(0);
    expect(impostor.requests).toEqual([]);
  });
});

describe('a server that is not there', () => {
  it('is one clear line and exit code 6', async () => {
    await person.server.close();
    const run = await person.wafer('devices');
    expect(run).toMatchObject({ exit: 6, stdout: '' });
    expect(run.stderr).toBe(
      `error server.unreachable: cannot reach ${person.origin}: nothing listens there; is the server running?\n`,
    );
  });

  it('is the same when it hangs up in the middle of an answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"it'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await person.file('credentials.json', JSON.stringify({ api: origin, token: TOKEN }));
    expect(await person.wafer('devices')).toMatchObject({ exit: 6, stdout: '' });
    server.close();
  });

  it('is told apart from one that answers something else', async () => {
    const server = createHttp((_, response) => response.end('<html>'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await person.file('credentials.json', JSON.stringify({ api: origin, token: TOKEN }));
    const run = await person.wafer('devices');
    expect(run).toMatchObject({ exit: 1 });
    expect(run.stderr).toMatch(/an answer that this version does not understand/);
    server.close();
  });

  it('may refuse an upload before it has read it: its reason counts, not the broken pipe', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const big = await person.file('big.wasm', padded(await reactor(), 8_000_000));
    const early = createHttp((request, response) => {
      const refuse = ({ status, body }: ReturnType<typeof problem>): void => {
        response.writeHead(status, { 'content-type': 'application/problem+json', connection: 'close' });
        response.end(JSON.stringify(body));
      };
      if (request.url?.includes('/trust/metadata/') === true) {
        return refuse(problem('request.not-found', 'no newer root'));
      }
      if (request.method !== 'PUT') {
        const content = JSON.stringify(person.server.latest('targets'));
        response.end(JSON.stringify({ role: 'targets', version: 1, content }));
        return;
      }
      return refuse(problem('component.too-large', 'the limit here is 1 MiB'));
    });
    await new Promise<void>((done) => early.listen(0, '127.0.0.1', done));
    const origin = `http://127.0.0.1:${(early.address() as AddressInfo).port}`;
    await person.file('credentials.json', JSON.stringify({ api: origin, token: TOKEN }));
    const run = await person.wafer('publish', big, '--app', 'demo', '--version', '1.0.0');
    expect(run.stderr).toBe('error component.too-large: the limit here is 1 MiB\n');
    expect(run.exit).toBe(4);
    early.close();
  });
});

describe('credentials', () => {
  it('that are missing say where they would be and how to get them', async () => {
    await rm(join(person.folder, 'credentials.json'));
    const run = await person.wafer('releases');
    expect(run).toMatchObject({ exit: 3 });
    expect(run.stderr).toMatch(/no credentials at .*credentials\.json: WAFER_CREDENTIALS must name/);
  });

  it('that are damaged are an error, not a crash', async () => {
    await person.file('credentials.json', '{"api":');
    const run = await person.wafer('releases');
    expect(run).toMatchObject({ exit: 3 });
    expect(run.stderr).toMatch(/is damaged/);
  });
});

describe('with --json', () => {
  it('stdout is one JSON value, and stderr is empty', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const file = await person.file('a.wasm', await reactor());
    for (const args of [
      ['publish', file, '--app', 'demo', '--version', '1.0.0'],
      ['claim', 'create', '--uses', '2', '--expires', '2h', '--tag', 'site=lab'],
      ['sign-in'],
      ['channel', 'move', 'stable', 'demo', '1.0.0'],
    ]) {
      const run = await person.wafer(...args, '--json');
      expect(run).toMatchObject({ exit: 0, stderr: '' });
      expect(run.stdout.split('\n')).toHaveLength(2);
      expect(run.json()).toBeTypeOf('object');
    }
  });

  it.each([
    [['devices'], 'request.not-found', 4],
    [['publish', 'none.wasm', '--app', 'demo', '--version', '1.0.0'], 'cli.usage', 2],
    [['frobnicate'], 'cli.usage', 2],
  ])('an error of %j is a problem on stdout', async (args, code, exit) => {
    const run = await person.wafer(...args, '--json');
    expect(run).toMatchObject({ exit, stderr: '' });
    expect(run.json()).toMatchObject({ code, type: `urn:wafer:error:${code}`, status: expect.any(Number) });
  });
});

describe('a progress bar', () => {
  it('is for a person at a terminal, and on stderr only', async () => {
    const terminal = await signedIn({ terminal: true });
    await terminal.wafer('keys', 'init', '--no-passphrase');
    const publish = async (version: string, ...more: string[]) =>
      terminal.wafer(
        'publish',
        await terminal.file('a.wasm', padded(await reactor([], version), 300_000)),
        '--app',
        'demo',
        '--version',
        version,
        ...more,
      );
    const seen = await publish('1.0.0');
    expect(seen.stderr).toMatch(/uploading demo 1\.0\.0 .*\d+%/);
    expect(seen.stdout).toMatch(/^published demo 1\.0\.0, release 1 of the app\n/);
    expect(seen.stdout).not.toMatch(/uploading|%/);
    const quiet = await publish('1.1.0', '--json');
    expect(quiet.stderr).toBe('');
    expect(quiet.json()).toMatchObject({ version: '1.1.0' });
    await terminal.leave();
  });
});

describe('the process', () => {
  it('ends with the exit code and says nothing else', async () => {
    const main = join(import.meta.dirname, '../src/main.ts');
    const env = { ...process.env, WAFER_CREDENTIALS: join(person.folder, 'credentials.json') };
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, [main, 'sign-in'], { env });
    expect([stdout, stderr]).toEqual(['http://127.0.0.1:8080/sign-in?token=x\n', '']);
    await expect(run(process.execPath, [main, 'nonsense'], { env })).rejects.toMatchObject({
      code: 2,
      stdout: '',
    });
  });
});
