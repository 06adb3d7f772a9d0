/**
 * The module that the engine runs in place of the guest's own: it exports the same, and turns what a
 * function throws into the error that its WIT lets it answer, with the stack that the engine would drop.
 *
 * `start`, `check`, `tick` and `restore` answer a string, `handle` an error of wasi:messaging. What the
 * guest throws in that shape goes through as it is. Functions that can answer no error (`stop`, `save`,
 * `run`) are left as they are: there a throw ends the instance with a trap.
 */
import { basename } from 'node:path';

/** Its name in a stack, from which it is left out. */
export const ENTRY_NAME = '__wafer__.js';

const TEXT_ERRORS: Readonly<Record<string, readonly string[]>> = {
  lifecycle: ['start'],
  health: ['check'],
  timer: ['tick'],
  state: ['restore'],
};
const MESSAGING_ERRORS: Readonly<Record<string, readonly string[]>> = { incomingHandler: ['handle'] };

/** An error of an import carries its payload; `an import answered` is what the host completes by its name. */
const TELL = `
const plain = (value) =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? String(value);
const said = (payload) => {
  if (typeof payload === 'string') return payload;
  if (payload === null || typeof payload !== 'object' || typeof payload.tag !== 'string') return plain(payload);
  const { tag, val } = payload;
  return val === undefined ? tag : tag + ': ' + (typeof val === 'string' ? val : plain(val));
};
const tell = (error) => {
  if (!(error instanceof Error)) return 'it threw ' + plain(error);
  const named = error.name && error.name !== 'Error' ? error.name + ': ' : '';
  const message = 'payload' in error ? 'an import answered ' + said(error.payload) : named + error.message;
  const frames = String(error.stack ?? '').split('\\n').filter((line) => line && !line.includes('${ENTRY_NAME}'));
  return [message, ...frames].join('\\n');
};
const asText = (error) => (typeof error === 'string' ? error : tell(error));
const asMessaging = (error) =>
  typeof error === 'object' && error !== null && typeof error.tag === 'string'
    ? error
    : { tag: 'other', val: asText(error) };
const telling = (object, names, convert) => {
  const caught = {};
  for (const name of names)
    if (typeof object[name] === 'function')
      caught[name] = (...args) => {
        try {
          return object[name](...args);
        } catch (error) {
          throw convert(error);
        }
      };
  return new Proxy(object, { get: (target, key) => caught[key] ?? target[key] });
};
`;

/** `exports` are those of the module in `file`. */
export function entrySource(file: string, exports: readonly string[]): string {
  const own = JSON.stringify(`./${basename(file)}`);
  const wrapped = exports.map((name) => {
    const isText = Object.hasOwn(TEXT_ERRORS, name);
    const functions = isText ? TEXT_ERRORS[name] : MESSAGING_ERRORS[name];
    const value =
      functions === undefined
        ? `guest.${name}`
        : `telling(guest.${name}, ${JSON.stringify(functions)}, ${isText ? 'asText' : 'asMessaging'})`;
    return `export const ${name} = ${value};`;
  });
  return [`import * as guest from ${own};`, TELL, ...wrapped, ''].join('\n');
}
