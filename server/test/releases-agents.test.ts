import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fleet, type Fleet } from './releases-fleet.ts';
import { component, reactor, type Component, type ReleaseOptions } from './releases-publisher.ts';

let house: Fleet;
beforeAll(async () => {
  house = await fleet();
});
afterAll(() => house.close());

/** One file of an archive, as ustar has it (POSIX.1-1988). */
function entry(path: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(path, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(content.length, 12), 124);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function agentOf(version: string): Component {
  const manifest = JSON.stringify({ wafer: 'agent', format: 1, version, node: '24.15.0' });
  const files = { 'wafer-agent.json': manifest, 'lib/cli.cjs': '', 'lib/agent.cjs': '' };
  const entries = Object.entries(files).map(([path, content]) => entry(`a/${path}`, content));
  return component(gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)])));
}

const AGENT: ReleaseOptions = { world: 'agent', imports: [], exports: [], grants: {} };

test('an agent is a release of wafer-agent like any other, and a channel may hold it', async () => {
  const made = agentOf('2.0.0');
  const { status, body } = await house.publish('wafer-agent', '2.0.0', made, AGENT);
  expect({ status, body }).toMatchObject({
    status: 201,
    body: { app: 'wafer-agent', world: 'agent', digest: made.digest, imports: [], exports: [] },
  });
});

test('the name is kept: a component is refused under it, and an agent under any other', async () => {
  const guest = await house.publish('wafer-agent', '2.0.1', await reactor('disguised'));
  expect(guest.body).toMatchObject({
    code: 'component.unsupported',
    detail: expect.stringContaining('kept for agents'),
  });
  const agent = await house.publish('thermo', '2.0.0', agentOf('2.0.0'), AGENT);
  expect(agent.body).toMatchObject({
    code: 'component.unsupported',
    detail: expect.stringContaining('released as'),
  });
});

test('what the bundle says and what was signed must agree', async () => {
  const other = await house.publish('wafer-agent', '2.0.2', agentOf('1.9.9'), AGENT);
  expect(other.body).toMatchObject({
    code: 'release.metadata-invalid',
    detail: expect.stringContaining('1.9.9'),
  });
});

test('an archive that is no agent is refused, with the reason', async () => {
  const made = component(gzipSync(Buffer.from('anything')));
  const { body } = await house.publish('wafer-agent', '2.0.3', made, AGENT);
  expect(body).toMatchObject({ code: 'component.unsupported', detail: expect.stringContaining('no bundle') });
});
