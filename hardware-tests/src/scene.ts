/**
 * What a journey acts on: a fleet server of its own, one board on a rig, and the gateway between the two,
 * which sees what the board says and can ask its guests. A journey uses only what users have: the CLI, the
 * HTTP API, the agent's commands, files on the board.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AppName,
  DeviceEvent,
  DeviceId,
  Digest,
  guestTopic,
  TERMINAL_STATES,
  type DeviceDetail,
  type ExecutionState,
  type ExecutionView,
  type FaultKind,
} from '@wafer/protocol';
import { Gateway } from './gateway.ts';
import { LocalFleet } from './local-fleet.ts';
import type { Environment, Rig, RunningAgent, Say } from './rigs/rig.ts';

/** What is published: a component, and what stands in its manifest. */
export interface Publication {
  readonly app: string;
  readonly version: string;
  readonly component: Uint8Array;
  readonly manifest: object;
}

/** On the machine of a user; a rig may take `patience` times as long. */
const WITHIN_MS = 30_000;

type Heard = (topic: string, payload: Buffer) => void;

export class Scene {
  readonly fleet = new LocalFleet();
  readonly rig: Rig;
  readonly say: Say;
  /** Of every component that was published. */
  readonly digests = new Set<Digest>();
  readonly #listeners = new Set<Heard>();
  #agent: RunningAgent | undefined;
  #gateway: Gateway | undefined;
  #device: DeviceId | undefined;

  constructor(rig: Rig, say: Say) {
    this.rig = rig;
    this.say = say;
  }

  async open(): Promise<void> {
    await this.fleet.startServer();
    await this.fleet.mustWafer('keys', 'init', '--no-passphrase');
  }

  get folder(): string {
    return this.rig.folder('board');
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the board was not enrolled');
    return this.#gateway;
  }

  get device(): DeviceId {
    if (this.#device === undefined) throw new Error('the board was not enrolled');
    return this.#device;
  }

  /** How long this rig may take for what takes `ms` at most elsewhere. */
  within(ms: number = WITHIN_MS): number {
    return ms * this.rig.patience;
  }

  /** Puts the gateway between the board, which has just enrolled, and the broker. */
  async connectThroughGateway(device: string): Promise<void> {
    this.#device = DeviceId.parse(device);
    const pki = join(this.fleet.folder, 'data/server/pki');
    const ours = (name: string): string => readFileSync(join(pki, name), 'utf8').trim();
    const theirs = async (name: string): Promise<string> =>
      (await this.rig.read(join(this.folder, 'identity', name))).toString();
    this.#gateway = await Gateway.open({
      broker: { key: ours('server.key'), cert: `${ours('server.crt')}\n${ours('ca.crt')}` },
      board: { key: await theirs('key.pem'), cert: await theirs('cert.pem'), ca: await theirs('ca.pem') },
      upstream: this.fleet.server.mqtt,
    });
    this.#gateway.onUp = (topic, payload) => {
      for (const listener of this.#listeners) listener(topic, payload);
    };
    await this.rig.reach(this.#gateway.port);
    const config = `broker: { host: 127.0.0.1, port: ${this.#gateway.port} }\nhealth: { everySeconds: 2 }\n`;
    await this.rig.write(join(this.folder, 'agent.yaml'), config);
  }

  /** Starts the agent; resolves once it has reached the broker. */
  async boot(environment?: Environment): Promise<void> {
    this.#agent = await this.rig.start(this.folder, environment);
    await this.timely('the agent reaches the broker', this.#agent.ready);
  }

  async shutDown(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  async cutPower(): Promise<void> {
    await this.#agent?.kill();
    this.#agent = undefined;
  }

  get log(): readonly string[] {
    return this.#agent?.log ?? [];
  }

  async timely<T>(what: string, promise: Promise<T>, withinMs = this.within()): Promise<T> {
    const late = new AbortController();
    // One that nobody waits for any more keeps no process from ending.
    const tooLate = sleep(withinMs, undefined, { signal: late.signal, ref: false }).then(() => {
      throw new Error(`${what}: not within ${withinMs} ms`);
    });
    try {
      return await Promise.race([promise, tooLate]);
    } finally {
      late.abort();
      tooLate.catch(() => undefined);
    }
  }

  /** Moves the channel to it; answers the component's digest. */
  async publish({ app, version, component, manifest }: Publication): Promise<Digest> {
    const folder = join(this.fleet.folder, 'releases', `${app}-${version}`);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'guest.wasm');
    writeFileSync(file, component);
    // JSON is YAML.
    writeFileSync(join(folder, 'wafer.yaml'), JSON.stringify(manifest));
    const named = ['--app', app, '--version', version, '--channel', 'stable'];
    await this.fleet.mustWafer('publish', file, ...named);
    const digest = Digest.parse(createHash('sha256').update(component).digest('hex'));
    this.digests.add(digest);
    return digest;
  }

  until<T>(what: string, pick: (detail: DeviceDetail) => T | undefined, withinMs?: number): Promise<T> {
    return this.fleet.until(this.device, what, pick, this.within(withinMs));
  }

  /** The execution that brings `version` of `app`, once it has ended as it must; throws if otherwise. */
  outcome(app: string, version: string, state: ExecutionState, withinMs?: number): Promise<ExecutionView> {
    const pick = ({ apps }: DeviceDetail): ExecutionView | undefined => {
      const execution = apps.find((one) => one.app === app)?.execution;
      if (execution?.version !== version || !TERMINAL_STATES.has(execution.state)) return undefined;
      if (execution.state === state) return execution;
      const why = execution.fault?.message ?? 'no fault';
      throw new Error(`${app} ${version} is ${execution.state} and not ${state}: ${why}`);
    };
    return this.until(`${app} ${version} ${state}`, pick, withinMs);
  }

  async install(release: Publication): Promise<Digest> {
    const digest = await this.publish(release);
    await this.outcome(release.app, release.version, 'SUCCEEDED');
    return digest;
  }

  /** Tells `heard` of all that the board says, until the function that it answers is called. */
  listen(heard: Heard): () => void {
    this.#listeners.add(heard);
    return () => this.#listeners.delete(heard);
  }

  /** Resolves as the agent begins this step with this release, which `cause` brings about. */
  async step(app: string, version: string, step: string, cause: () => Promise<unknown>): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) throw new Error('the agent does not run');
    let stop = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      stop = agent.hear((line) => {
        const said = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
        if (said['message'] !== 'step' || said['step'] !== step) return;
        if (said['app'] === app && said['version'] === version) resolve();
      });
    });
    try {
      await cause();
      await this.timely(`${step} of ${app} ${version}`, begun);
    } finally {
      stop();
    }
  }

  tell(app: string, topic: string, payload: string): void {
    this.gateway.inject(guestTopic(this.device, AppName.parse(app), 'down', topic), payload);
  }

  /** Asks a guest on `do/<action>`, and answers what it said next on `out/<reply>`. */
  ask(app: string, action: string, payload = '', answeredOn = action): Promise<string> {
    return this.said(app, `out/${answeredOn}`, () => this.tell(app, `do/${action}`, payload));
  }

  /** Asks until there is an answer: what comes while an instance is started or made anew is turned away. */
  async askAgain(app: string, action: string, payload: string, answeredOn = action): Promise<string> {
    const deadline = Date.now() + this.within();
    for (;;) {
      const answer = this.ask(app, action, payload, answeredOn).catch(() => undefined);
      const said = await Promise.race([answer, sleep(this.within(2000))]);
      if (said !== undefined) return said;
      if (Date.now() > deadline) throw new Error(`${app} does not come back`);
    }
  }

  /** What a guest says next on a topic, once `cause` was done. */
  async said(app: string, topic: string, cause: () => unknown): Promise<string> {
    const wanted = guestTopic(this.device, AppName.parse(app), 'up', topic);
    let stop = (): void => undefined;
    const heard = new Promise<string>((resolve) => {
      stop = this.listen((on, payload) => {
        if (on === wanted) resolve(payload.toString());
      });
    });
    try {
      await cause();
      return await this.timely(`${app} says something on ${topic}`, heard);
    } finally {
      stop();
    }
  }

  /** The fault of `app` that the server has on record, once it is of this kind. */
  async fault(app: string, kind: FaultKind): Promise<{ kind: FaultKind; subject?: string }> {
    const deadline = Date.now() + this.within();
    for (;;) {
      const { items } = await this.fleet.api<{ items: unknown[] }>(
        'GET',
        `/devices/${this.device}/events?limit=100`,
      );
      const faults = items.map((item) => DeviceEvent.parse(item)).filter((event) => event.app === app);
      const found = faults.find(({ fault }) => fault?.kind === kind)?.fault;
      if (found != null) return { kind: found.kind, ...(found.subject && { subject: found.subject }) };
      const kinds = faults.map(({ fault }) => fault?.kind ?? '-').join(', ');
      if (Date.now() > deadline) throw new Error(`no ${kind} of ${app} came to the server: ${kinds}`);
      await sleep(200);
    }
  }

  async close(): Promise<void> {
    await this.#agent?.stop();
    await this.fleet.close();
    await this.#gateway?.close();
  }
}
