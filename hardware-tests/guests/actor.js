// Does what a message on `do/<action>` asks, and answers on `out/<action>` with JSON. How it starts, ticks
// and feels is set by its configuration. It imports nothing but what journeys grant.
import { get } from 'wasi:config/store@0.2.0-rc.1';
import { open } from 'wasi:keyvalue/store@0.2.0-draft2';
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';
import { send } from 'wasi:messaging/producer@0.2.0-draft';

let count = 0;

const encode = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);
const decode = (bytes) => String.fromCharCode(...bytes);
const publish = (topic, value) =>
  send(Client.connect(''), topic, new Message(encode(JSON.stringify(value ?? null))));
const attempt = (run) => {
  try {
    return { ok: run() ?? null };
  } catch (error) {
    return { error: typeof error === 'string' ? error : (error?.payload ?? String(error)) };
  }
};

// What the engine within the component makes of numbers: no board's own mathematics has a part in it.
const FUNCTIONS = [
  'sin',
  'cos',
  'tan',
  'atan',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sqrt',
  'cbrt',
  'sinh',
  'tanh',
];
function mathematics() {
  const found = {};
  for (const name of FUNCTIONS) {
    let sum = 0;
    for (let x = 0.001; x < 50; x += 0.37) sum += Math[name](x);
    found[name] = sum;
  }
  let big = 1n;
  for (let factor = 2n; factor < 60n; factor += 1n) big *= factor;
  const words = [...'the quick brown fox jumps over the lazy dog'.matchAll(/[aeiou]/g)].map(
    ({ index }) => index,
  );
  return { found, big: String(big), third: 1 / 3, tiny: 5e-324, power: 1.1 ** 777, words };
}

const actions = {
  count: () => {
    count += 1;
    return { count, release: get('release') ?? null };
  },
  mathematics,
  depth: () => {
    const down = (left) => (left === 0 ? 0 : down(left - 1) + 1);
    return down(500);
  },
  set: ({ key, text }) => attempt(() => open('default').set(key, encode(text))),
  get: ({ key }) => attempt(() => decode(open('default').get(key))),
  list: () => attempt(() => open('default').listKeys(undefined).keys),
  another: () => attempt(() => void open('another')),
};

export const lifecycle = {
  start() {
    if (get('start') === 'refuse') throw 'not today';
  },
  stop() {},
};
export const health = {
  check() {
    if (get('check') === 'refuse') throw 'feeling bad';
  },
};
export const timer = {
  tick() {
    if (get('tick') === 'refuse') throw 'no tick';
    count += 1;
  },
};
export const state = {
  save: () => encode(String(count)),
  restore(snapshot) {
    count = Number(decode(snapshot));
  },
};
export const incomingHandler = {
  handle(message) {
    const [, action] = message.topic().split('/');
    const text = decode(message.data());
    publish(`out/${action}`, actions[action](text === '' ? {} : JSON.parse(text)));
  },
};
