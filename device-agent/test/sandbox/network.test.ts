/** Ways into a network that was not granted: refused before anything is fetched, and denied if linked. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { AppName } from '@wafer/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { judgeDesired } from '../../src/trust/desired.ts';
import { Floors } from '../../src/trust/floors.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { faultOf } from '../apps/harness.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE, orderFor } from '../state/orders.ts';
import { Repository } from '../trust/repository.ts';
import { reactor, type Bodies } from './handmade.ts';
import { attack, freshApp, intruder, Stage, type Step } from './stage.ts';

let stage: Stage;
let server: Server;
let datagrams: Socket;
/** Whatever reached a socket of this machine. */
let arrived = 0;
beforeAll(async () => {
  stage = new Stage();
  server = createServer((socket) => {
    arrived += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  datagrams = createSocket('udp4', () => void (arrived += 1)).bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(datagrams, 'listening')]);
});
afterAll(async () => {
  datagrams.close();
  server.close();
  await stage.close();
});

const there = (port: number) => ({ tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } });
const tcpPort = (): number => (server.address() as AddressInfo).port;

async function denied(subject: string, attempt: (app: string) => Promise<unknown>): Promise<string> {
  const app = freshApp();
  const fault = await faultOf(attempt(app));
  expect(fault).toMatchObject({ kind: 'capability-denied', subject });
  expect(stage.faultsOf(app)).toEqual([`capability-denied: ${subject}`]);
  // What was sent on loopback before has arrived by now.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(arrived).toBe(0);
  return `denied: ${subject}`;
}

const bySteps =
  (...steps: readonly Step[]) =>
  async (app: string) => {
    await stage.enter({ app });
    await stage.steps(app, ...steps);
  };

attack('tcp, ungranted: connecting', () =>
  denied(
    'wasi:sockets/tcp-create-socket#create-tcp-socket',
    bySteps(
      { on: 'tcp', call: 'createTcpSocket', with: ['ipv4'], as: 'socket' },
      { on: 'network', call: 'instanceNetwork', as: 'net' },
      { on: 'socket', call: 'startConnect', with: [{ handle: 'net' }, there(tcpPort())] },
    ),
  ),
);
attack('udp, ungranted: sending', () =>
  denied(
    'wasi:sockets/udp-create-socket#create-udp-socket',
    bySteps({ on: 'udp', call: 'createUdpSocket', with: ['ipv4'], as: 'socket' }),
  ),
);
attack('dns, ungranted: looking a name up', () =>
  denied(
    'wasi:sockets/instance-network#instance-network',
    bySteps(
      { on: 'network', call: 'instanceNetwork', as: 'net' },
      { on: 'lookup', call: 'resolveAddresses', with: [{ handle: 'net' }, 'localhost'] },
    ),
  ),
);

const byHand = (bodies: Bodies) => async (app: string) => {
  const grants = { messaging: { publish: [], subscribe: ['#'] } };
  await stage.install({ app, grants }, await reactor(bodies));
  await stage.runtime.deliver(AppName.parse(app), 'x', new Uint8Array());
};
attack('http, ungranted: making a request', () =>
  denied('wasi:http/types#fields', byHand({ handle: '(drop (call $request (call $fields)))' })),
);

attack('http, dns, ungranted: with handles that were never given', async () => {
  const attempts: Bodies[] = [
    { handle: '(call $handle (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 2048))' },
    { handle: '(call $resolve (i32.const 1) (i32.const 0) (i32.const 9) (i32.const 2048))' },
  ];
  for (const bodies of attempts) {
    const app = freshApp();
    const fault = await faultOf(byHand(bodies)(app));
    expect(['trap', 'capability-denied']).toContain(fault.kind);
  }
  expect(arrived).toBe(0);
  return 'trap: such a handle is nobody’s';
});

/** What the agent answers to an order for a component, before it fetches anything of it. */
async function verdictOn(component: Uint8Array) {
  const wit = await componentWit(component);
  const imports = [...wit.matchAll(/^ {2}import (\S+);$/gm)].map(([, name]) => name!);
  const repository = new Repository();
  const grants = {
    messaging: { publish: [], subscribe: [] },
    clock: true,
    random: true,
    keyvalue: [{ store: 'default', maxBytes: 1 }],
  };
  const published = repository.publish('thermo', '1.0.0', { imports, grants });
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  const clock = await openClock(folder);
  const trust = await Trust.open({ folder, requests: repository.requests, clock });
  const floors = await Floors.open(folder);
  const document = repository.desired(DEVICE, 1, [orderFor(published, { grants })]);
  const verdicts = await trust.refresh((view) =>
    judgeDesired(document, { view, device: DEVICE, policy: {}, floors, now: clock.now(), last: undefined }),
  );
  return { verdict: verdicts[0]!, imports };
}

attack('tcp, udp, dns: a component that imports sockets is refused before it is fetched', async () => {
  const { verdict, imports } = await verdictOn(intruder);
  expect(imports).toContain('wasi:sockets/tcp-create-socket@0.2.12');
  expect(verdict).toMatchObject({ kind: 'rejected', fault: { kind: 'incompatible' } });
  if (verdict.kind !== 'rejected') throw new Error('it was admitted');
  expect(verdict.fault.message).toContain('wasi:sockets/udp-create-socket@0.2.12, which no grant gives');
  return `incompatible: ${verdict.fault.subject}`;
});

attack('http: a component that imports it without the grant is refused before it is fetched', async () => {
  const { verdict, imports } = await verdictOn(
    await reactor({ handle: '(drop (call $request (call $fields)))' }),
  );
  expect(imports).toContain('wasi:http/types@0.2.6');
  expect(verdict).toMatchObject({
    kind: 'rejected',
    fault: { kind: 'capability-denied', subject: 'wasi:http/types@0.2.6' },
  });
  return 'capability-denied: wasi:http/types@0.2.6';
});
