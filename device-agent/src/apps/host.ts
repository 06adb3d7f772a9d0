/**
 * The app host: prepares components, runs them in warm isolates, and replaces one release by the next
 * without losing a call.
 *
 *   prepare   component bytes → a child process → a checked folder on disk
 *   images    folder → memory limits written in → modules, compiled once
 *   pool      seats in warm isolates; deadlines; a guest that breaks one costs its isolate, no one else
 *   instance  one running reactor; job: one command; service: one that keeps running
 *   schedule  what makes them tick
 *   app       who serves, who served before; the books
 *   swap      start, move state, probe, change over, drain
 *
 * What guests can reach is in ../capabilities. This page only puts the parts together.
 */
import { performance } from 'node:perf_hooks';
import { FaultError, type AppName } from '@wafer/protocol';
import { createBoards } from '../capabilities/board/boards.ts';
import { createNetworks } from '../capabilities/http/networks.ts';
import { createKeepers } from '../capabilities/keyvalue/keepers.ts';
import { App } from './app.ts';
import { Images } from './images.ts';
import { Instance } from './instance.ts';
import { Job } from './job.ts';
import type { Surroundings } from './creation.ts';
import { Pool } from './pool.ts';
import { createPrepare } from './prepare.ts';
import type { Resident, ResidentEvents } from './resident.ts';
import { Service } from './service.ts';
import type { AppSpec, Prepared, Runtime, RuntimeOptions } from './runtime.ts';
import { openNone } from './unseal.ts';

export function createRuntime(options: RuntimeOptions): Runtime {
  const { folder, storesFolder, isolates, network, hardware, events } = options;
  const { openSecrets = openNone, wallNow = Date.now, spareTranspiler = false } = options;
  const prepare = createPrepare({ folder, hasSpare: spareTranspiler, memoryMiB: options.transpilerMiB });
  const stores = createKeepers(storesFolder);
  const networks = createNetworks(network === undefined ? undefined : () => network);
  const boards = createBoards((news) => apps.get(news.app)?.edge(news), hardware);
  const surroundings: Surroundings = {
    openLines: (app, grants) => ({
      stores: stores.open(app, grants),
      http: networks.open(grants),
      board: boards.open(app, grants),
    }),
    openSecrets,
    now: () => performance.now(),
  };
  const pool = new Pool(isolates);
  if (options.isExpectingGuests === true) pool.warm();
  const images = new Images((key) => pool.unload(key));
  const apps = new Map<AppName, App>();

  const retire = async (resident: Resident): Promise<void> => {
    await resident.stop();
    images.release(resident.image.key);
  };

  /** Each takes it into its own queue, so none of them holds up the sender or another. */
  const toBoard = (from: AppName, topic: string, payload: Uint8Array): void => {
    for (const [name, app] of apps) if (name !== from) app.hear(topic, payload);
  };

  const appOf = (name: AppName): App => {
    const known = apps.get(name);
    if (known !== undefined) return known;
    const app = new App({ name, events, retire, toBoard, wallNow });
    apps.set(name, app);
    return app;
  };

  const existing = (name: AppName): App => {
    const app = apps.get(name);
    if (app === undefined) throw new FaultError('unhealthy', `${name} is not running.`);
    return app;
  };

  const make = async (spec: AppSpec, prepared: Prepared, tell: ResidentEvents): Promise<Resident> => {
    // What does not open now would not later: the release before it goes on.
    openSecrets(spec);
    const image = await images.acquire(prepared, spec.limits);
    const isService = spec.world === 'command' && spec.triggers.keepRunning === true;
    const seat = pool.choose(isService ? 'dedicated' : spec.isolation);
    if (isService) return new Service(spec, image, seat, tell, surroundings);
    switch (spec.world) {
      case 'reactor':
        return new Instance(spec, image, seat, tell, surroundings);
      case 'command':
        return new Job(spec, image, seat, tell, surroundings);
      case 'agent':
        throw new FaultError('incompatible', `${spec.app} is an agent, and no guest.`);
    }
  };

  /** Afterwards the app holds of the hardware what its releases that are left were granted. */
  const changing = async <T>(name: AppName, change: () => Promise<T>): Promise<T> => {
    try {
      return await change();
    } finally {
      boards.retain(name, apps.get(name)?.granted() ?? []);
    }
  };

  return {
    prepare,
    swap: (spec, prepared, onStage = () => undefined, cause = 'release') =>
      changing(spec.app, () =>
        appOf(spec.app).swap(spec, (tell) => make(spec, prepared, tell), prepared.prepareMs, onStage, cause),
      ),
    soakFigures: (name) => apps.get(name)?.soakFigures(),
    settle: (name) => changing(name, async () => apps.get(name)?.settle()),
    rollback: (name, carryState = false) => changing(name, async () => existing(name).rollback(carryState)),
    stop: (name) => changing(name, async () => apps.get(name)?.stop()),
    deliver: async (name, topic, payload) => existing(name).deliver(topic, payload),
    probe: async (name) => existing(name).probe(),
    memory: () => [...apps.values()].flatMap((app) => app.memory() ?? []),
    endTranspiler: () => prepare.end(),
    giveBack: () => pool.giveBack(),
    overdueMs: () => pool.overdueMs,
    health: () => [...apps.values()].flatMap((app) => app.health() ?? []),
    close: async () => {
      for (const app of apps.values()) app.end();
      prepare.close();
      await pool.close();
      await Promise.all([stores.close(), networks.close(), boards.close()]);
    },
  };
}
