/**
 * An isolate: a warm worker thread that holds instances of several guests and runs one task at a time.
 * It compiles nothing (modules arrive compiled), decides nothing (the main thread holds the deadlines),
 * and can be ended at any instant. The environment it is started with is empty.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Refusal } from '../capabilities/host.ts';
import { entered } from './bounded.ts';
import { compileImage, type Code } from './code.ts';
import { Guest } from './guest.ts';
import { closeLines } from './lines.ts';
import { enterStage, type Stages } from './stages.ts';
import { Wire, type Posted } from './wire.ts';
import type { FromIsolate, GuestId, Image, ImageKey, Outcome, Task, ToIsolate } from './port.ts';

/** A panic alone has ten frames above its cause. */
Error.stackTraceLimit = 40;

interface Start {
  readonly port: MessagePort;
  readonly posted: Posted;
  readonly stages: Stages;
}

const { port, posted, stages } = workerData as Start;
const wire = new Wire<ToIsolate, FromIsolate>(port, posted, 'isolate', receive);
const images = new Map<ImageKey, Image>();
const codes = new Map<ImageKey, Code>();
const guests = new Map<GuestId, Guest>();
let latest: GuestId | undefined;

const post = (message: FromIsolate): void => wire.post(message);

/** Compiles an image's script when the first guest needs it. */
function codeOf(key: ImageKey): Code {
  const known = codes.get(key);
  if (known !== undefined) return known;
  const image = images.get(key);
  if (image === undefined) throw new Error(`image ${key} was not loaded`);
  const code = compileImage(image);
  codes.set(key, code);
  return code;
}

type Creation = Task & { type: 'create' };

const EXPORT_OF = { start: 'lifecycle', run: 'run' } as const;

/** Instantiates, and makes the first call where there is one. */
type Done = Omit<FromIsolate & { type: 'done' }, 'type'>;

const done = (guest: Guest, outcome: Outcome): Done => ({
  outcome,
  memoryBytes: guest.memoryBytes,
  ...guest.takeUse(),
});

function create(task: Creation): Done {
  const code = codeOf(task.image);
  let guest: Guest;
  try {
    guest = new Guest(task, post);
  } catch (error) {
    closeLines(task.lines);
    throw error;
  }
  guests.set(task.guest, guest);
  const outcome = guest.instantiate(code, () => enterStage(stages, 'creation'));
  if (outcome.status !== 'created' || task.first === undefined || !guest.exports(EXPORT_OF[task.first])) {
    return done(guest, outcome);
  }
  enterStage(stages, 'call');
  const first = guest.call({ name: task.first });
  return done(guest, { ...outcome, first });
}

function run(task: Task): Done {
  try {
    if (task.type === 'create') return create(task);
    const guest = guests.get(task.guest);
    if (guest === undefined) throw new Error(`guest ${task.guest} is not here`);
    return done(guest, guest.call(task.call));
  } catch (error) {
    const outcome: Outcome =
      error instanceof Refusal
        ? { status: 'fault', kind: error.kind, message: error.message, subject: error.subject }
        : { status: 'fault', kind: 'prepare', message: `The guest could not be started: ${String(error)}` };
    return { outcome, memoryBytes: 0, busyMs: 0 };
  }
}

/** The engine takes its time with memories of guests that are gone; there may be none left to take. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function receive(message: ToIsolate): void {
  switch (message.type) {
    case 'load':
      images.set(message.image.key, message.image);
      return;
    case 'unload':
      images.delete(message.image);
      codes.delete(message.image);
      return;
    case 'drop':
      guests.get(message.guest)?.release();
      guests.delete(message.guest);
      return;
    case 'collect':
      collect();
      return;
    case 'create':
    case 'call':
      wire.goesOn();
      if (message.guest !== latest) wire.beginAnew();
      latest = message.guest;
      entered();
      post({ type: 'done', ...run(message) });
      wire.waits();
  }
}

post({ type: 'ready' });
