/**
 * `npm run demo`: the whole line, headless, in a temporary data folder on free ports. Every figure
 * in its last line is measured in this run; it ends with an exit code other than 0 if anything does
 * not hold. `--json` leaves nothing but that line on stdout.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceTopic, DeviceId, signDocument, DesiredState } from '@wafer/protocol';
import { Gateway } from './gateway.ts';
import { Load } from './load.ts';
import { LocalFleet } from './local-fleet.ts';
import { ROOT } from './root.ts';

const CALLS_PER_SECOND = 200;
const THERMO = (version: string): string => join(ROOT, `examples/thermo/thermo-${version}.wasm`);
const HELLO = join(ROOT, 'examples/hello-c/hello.wasm');

const startedAt = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${text}\n`);
};

const publish = (fleet: LocalFleet, file: string, app: string, version: string): Promise<unknown> =>
  fleet.mustWafer('publish', file, '--app', app, '--version', version, '--channel', 'stable');

async function openGateway(fleet: LocalFleet, board: string): Promise<Gateway> {
  const pki = join(fleet.folder, 'data/server/pki');
  const identity = (name: string): string => readFileSync(join(board, 'identity', name), 'utf8');
  return Gateway.open({
    broker: {
      key: readFileSync(join(pki, 'server.key'), 'utf8'),
      cert: ['server.crt', 'ca.crt'].map((name) => readFileSync(join(pki, name), 'utf8').trim()).join('\n'),
    },
    board: { key: identity('key.pem'), cert: identity('cert.pem'), ca: identity('ca.pem') },
    upstream: fleet.server.mqtt,
  });
}

/** 1.0.0 → 1.1.0 under load: what the agent says of the swap, and what the broker saw of the calls. */
async function swapUnderLoad(fleet: LocalFleet, gateway: Gateway, device: string) {
  const load = new Load(gateway, device, 'thermo', CALLS_PER_SECOND);
  await publish(fleet, THERMO('1.1.0'), 'thermo', '1.1.0');
  const { swap } = await fleet.execution(device, 'thermo', '1.1.0', ['SUCCEEDED', 'FAILED', 'ROLLED_BACK']);
  const calls = await load.stop();
  if (swap === null) throw new Error('the swap to thermo 1.1.0 was not reported');
  return { ...swap, lostCalls: Math.max(swap.lostCalls, calls.lost), calls };
}

/** Publishes while every chunk is altered on its way; the board must refuse it and say why. */
async function tamper(fleet: LocalFleet, gateway: Gateway, device: string) {
  gateway.alterChunks(true);
  await publish(fleet, HELLO, 'hello-c', '1.0.0');
  const { state, fault } = await fleet.execution(device, 'hello-c', '1.0.0', ['FAILED', 'SUCCEEDED']);
  gateway.alterChunks(false);
  const { apps } = await fleet.device(device);
  const runs = apps.some(({ app, running }) => app === 'hello-c' && running !== null);
  return {
    rejected: state === 'FAILED' && !runs,
    fault: fault?.kind ?? null,
    alteredChunks: gateway.altered,
  };
}

/**
 * Whoever stole the server holds the director's key and the broker. He orders the board to run a
 * component that lies on the server but that no publisher signed under that name.
 */
async function orderUnsigned(fleet: LocalFleet, gateway: Gateway, device: string): Promise<boolean> {
  const director = createPrivateKey(readFileSync(join(fleet.folder, 'data/server/signers/director.pem')));
  const { desiredVersion } = await fleet.device(device);
  const execution = '00000000-0000-4000-8000-000000000000';
  const sha256 = 'a'.repeat(64);
  const document = DesiredState.parse({
    _type: 'wafer-desired',
    protocol: 1,
    device,
    version: desiredVersion + 1,
    issued: new Date().toISOString(),
    expires: new Date(Date.now() + 3_600_000).toISOString(),
    apps: [
      {
        app: 'thermo',
        execution,
        channel: 'stable',
        version: '9.9.9',
        target: { path: `thermo/9.9.9/${sha256}.wasm`, sha256, length: 1000 },
        counter: 99,
        grants: {},
        config: {},
        limits: {},
        triggers: {},
        health: { soakMs: 1000 },
      },
    ],
  });
  const verdict = new Promise<string>((resolve) => {
    gateway.onUp = (topic, payload) => {
      if (!topic.endsWith('/report')) return;
      const { event } = JSON.parse(payload.toString()) as {
        event: { kind: string; execution?: string; state?: string; fault?: { kind: string } };
      };
      if (event.execution === execution && event.state !== 'IN_PROGRESS')
        resolve(`${event.state} ${event.fault?.kind}`);
    };
  });
  gateway.inject(
    deviceTopic(DeviceId.parse(device), 'desired'),
    JSON.stringify(signDocument(document, director)),
  );
  const answer = await Promise.race([verdict, sleep(15_000, 'no verdict', { ref: false })]);
  gateway.onUp = () => {};
  say(`an order for unsigned bytes, signed by the stolen director key: ${answer}`);
  const { apps } = await fleet.device(device);
  return answer === 'REJECTED signature' && apps.every(({ running }) => running?.version !== '9.9.9');
}

async function demo(fleet: LocalFleet): Promise<Record<string, unknown>> {
  say('starting the server: Postgres, broker, API');
  await fleet.startServer();
  say('making the publisher’s keys and publishing thermo 1.0.0');
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
  await publish(fleet, THERMO('1.0.0'), 'thermo', '1.0.0');
  say('enrolling a board');
  const board = await fleet.enrol('board');
  const gateway = await openGateway(fleet, board);
  try {
    fleet.routeThrough(board, gateway.port);
    const { device } = await fleet.startBoard(board);
    const first = await fleet.execution(device, 'thermo', '1.0.0', ['SUCCEEDED', 'FAILED', 'REJECTED']);
    say(`thermo 1.0.0: ${first.state}`);
    const { chunks, bytes } = gateway.delivered;

    say(`swapping to thermo 1.1.0 under ${CALLS_PER_SECOND} calls/s`);
    const swap = await swapUnderLoad(fleet, gateway, device);
    say('publishing thermo 1.2.0, whose probe fails');
    await publish(fleet, THERMO('1.2.0'), 'thermo', '1.2.0');
    const bad = await fleet.execution(device, 'thermo', '1.2.0', ['ROLLED_BACK', 'SUCCEEDED', 'FAILED']);
    say(`thermo 1.2.0: ${bad.state}, ${bad.fault?.kind}; running ${bad.runningVersion}`);

    const tampered = await tamper(fleet, gateway, device);
    say(`hello-c 1.0.0 with altered chunks: rejected ${tampered.rejected}, ${tampered.fault}`);
    const unsignedRejected = await orderUnsigned(fleet, gateway, device);
    const reading = (await fleet.device(device)).messages.find(({ topic }) => topic.startsWith('telemetry/'));
    const { items } = await fleet.api<{ items: unknown[] }>('GET', `/devices/${device}/health?minutes=60`);
    return {
      enrolled: device,
      deliveredOver: chunks > 0 ? 'mqtt' : 'unknown',
      delivered: { chunks, bytes },
      firstInstall: first.state,
      reading: reading === undefined ? null : JSON.parse(reading.payload),
      swap,
      rolledBack: bad.state === 'ROLLED_BACK' && bad.runningVersion === '1.1.0',
      fault: bad.fault?.kind ?? null,
      tampered,
      unsignedRejected,
      healthRows: items.length,
      seconds: Number(((performance.now() - startedAt) / 1000).toFixed(1)),
    };
  } finally {
    await fleet.close();
    await gateway.close();
  }
}

/** What must hold, each with the words that say what did not. */
function broken(result: Record<string, unknown>): string[] {
  const swap = result['swap'] as { lostCalls: number; calls: { callsPerSecond: number; sent: number } };
  const tampered = result['tampered'] as { rejected: boolean; fault: string };
  const checks: readonly (readonly [boolean, string])[] = [
    [result['firstInstall'] === 'SUCCEEDED', 'thermo 1.0.0 was not installed'],
    [result['deliveredOver'] === 'mqtt', 'the component did not come over MQTT'],
    [result['reading'] !== null, 'no reading reached the server'],
    [swap.lostCalls === 0, 'calls were lost in the swap'],
    [swap.calls.callsPerSecond >= CALLS_PER_SECOND * 0.9, 'the load was lower than promised'],
    [result['rolledBack'] === true, 'the bad release was not rolled back'],
    [result['fault'] === 'probe-failed', 'the rollback has the wrong cause'],
    [tampered.rejected && tampered.fault === 'digest', 'an altered chunk was not refused'],
    [result['unsignedRejected'] === true, 'an unsigned component was not refused'],
    [Number(result['healthRows']) > 0, 'no health report reached Postgres'],
  ];
  return checks.flatMap(([holds, words]) => (holds ? [] : [words]));
}

const fleet = new LocalFleet();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void fleet.close().finally(() => process.exit(130)));
try {
  const result = await demo(fleet);
  const faults = broken(result);
  for (const words of faults) say(`NOT AS IT MUST BE: ${words}`);
  if (!process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
  await fleet.close();
  process.exitCode = 1;
}
