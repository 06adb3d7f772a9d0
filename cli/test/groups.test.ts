/** `wafer group`: what is typed becomes one request, and a query that cannot be read is not sent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problem } from './fleet-server.ts';
import { type Person, signedIn } from './person.ts';

const AT = '2026-11-21T08:00:00.000Z';
const [ONE, TWO] = ['d-aaaaaaaaaaaaaaaa', 'd-bbbbbbbbbbbbbbbb'];

const lab = {
  kind: 'static',
  name: 'lab',
  description: 'the first ones',
  devices: 2,
  created: AT,
  createdBy: 'user:admin',
  updated: AT,
  revision: 1,
};
const riscv = {
  ...lab,
  kind: 'dynamic',
  name: 'risc v',
  description: '',
  query: 'architecture = riscv64',
  devices: 3,
};
const member = (id: string | undefined, online: boolean) => ({
  id,
  name: 'roof',
  arch: 'x64',
  online,
  lastSeen: AT,
});

let person: Person;
beforeEach(async () => {
  person = await signedIn();
  person.server.intercept = (request, path) => {
    if (!path.startsWith('/groups')) return undefined;
    const [at = '', asked = ''] = path.split('?');
    if (at === '/groups' && request.method === 'GET')
      return { status: 200, body: { items: asked.includes('device=') ? [lab] : [lab, riscv] } };
    if (at === '/groups/preview')
      return { status: 200, body: { devices: 3, architectures: { x64: 3 }, first: [member(ONE, true)] } };
    if (at === '/groups/gone') return problem('group.not-found', 'There is no group gone.');
    if (at.endsWith('/devices') && request.method === 'POST')
      return { status: 200, body: { added: 1, removed: 0 } };
    if (at.endsWith('/devices'))
      return { status: 200, body: { items: [member(ONE, true), member(TWO, false)] } };
    if (request.method === 'DELETE') return { status: 204, body: undefined };
    return { status: 200, body: at.includes('risc v') ? riscv : lab };
  };
});
afterEach(() => person.leave());

const sent = (): unknown => JSON.parse(person.server.received.at(-1)?.toString() ?? 'null');
const asked = (): string => person.server.requests.at(-1) ?? '';

describe('wafer group', () => {
  it('lists groups with their counts and queries', async () => {
    const run = await person.wafer('group', 'list');
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toMatch(/lab +static +2 +a list of devices +the first ones/);
    expect(run.stdout).toMatch(/risc v +dynamic +3 +architecture = riscv64/);
    expect((await person.wafer('group', 'list', '--json')).json()).toEqual([lab, riscv]);
  });

  it('lists the groups of one device', async () => {
    expect((await person.wafer('group', 'list', '--device', ONE, '--json')).json()).toEqual([lab]);
    expect(asked()).toContain(`device=${ONE}`);
  });

  it('shows one with its first members', async () => {
    const run = await person.wafer('group', 'show', 'risc v', '--members', '2');
    expect(run.stdout).toContain('query    architecture = riscv64');
    expect(run.stdout).toMatch(new RegExp(`${TWO} +roof +x64 +1 h ago\nand 1 more`));
    expect((await person.wafer('group', 'show', 'lab', '--json')).json()).toMatchObject({
      name: 'lab',
      members: [{ id: ONE }, { id: TWO }],
    });
  });

  it('creates a static group, or with a query a dynamic one', async () => {
    await person.wafer('group', 'create', 'lab', '--description', 'the first ones');
    expect(sent()).toEqual({ kind: 'static', name: 'lab', description: 'the first ones' });
    await person.wafer('group', 'create', 'risc v', '--query', ' architecture = riscv64 ');
    expect(sent()).toEqual({ kind: 'dynamic', name: 'risc v', query: 'architecture = riscv64' });
  });

  it('changes only what is said', async () => {
    await person.wafer('group', 'edit', 'risc v', '--query', 'online');
    expect([asked(), sent()]).toEqual(['PATCH /groups/risc v', { query: 'online' }]);
    expect(await person.wafer('group', 'edit', 'risc v')).toMatchObject({ exit: 2 });
  });

  it('previews a query without storing it', async () => {
    const run = await person.wafer('group', 'preview', 'online and cores > 1');
    expect(sent()).toEqual({ query: 'online and cores > 1' });
    expect(run.stdout).toMatch(/devices +3\narchitectures +3 x64\n\n[^]+online\nand 2 more/);
  });

  it('adds and removes devices', async () => {
    const run = await person.wafer('group', 'add', 'lab', ONE, TWO);
    expect(run.stdout).toBe('added 1, removed 0\n');
    expect([asked(), sent()]).toEqual(['POST /groups/lab/devices', { add: [ONE, TWO] }]);
    await person.wafer('group', 'remove', 'lab', ONE);
    expect(sent()).toEqual({ remove: [ONE] });
  });

  it('deletes', async () => {
    expect((await person.wafer('group', 'delete', 'lab')).stdout).toBe('group lab is deleted\n');
    expect(asked()).toBe('DELETE /groups/lab');
  });
});

describe('what is wrong is said before anything is sent:', () => {
  it('a query, with its place marked', async () => {
    const run = await person.wafer('group', 'preview', 'online and site = x');
    expect(run.exit).toBe(4);
    expect(run.stderr).toContain('error group.query-invalid: Column 12: "site" is no field.');
    expect(run.stderr).toContain('\n  online and site = x\n             ^^^^\n');
    expect(person.server.requests).toEqual([]);
  });

  it.each([
    ['group', 'add', 'lab', 'd-1'],
    ['group', 'show', 'lab', '--members', 'all'],
    ['group', 'create', '..'],
  ])('%s %s %s %s', async (...typed) => {
    expect(await person.wafer(...typed.filter((each) => each !== undefined))).toMatchObject({ exit: 2 });
    expect(person.server.requests).toEqual([]);
  });

  it('and a group that is not there by its code', async () => {
    expect(await person.wafer('group', 'show', 'gone')).toMatchObject({
      exit: 4,
      stderr: 'error group.not-found: There is no group gone.\n',
    });
  });
});
