// What the board itself measures: its hottest thermal zone or, on a board that has none, its load
// average. Both come through read-only grants; nothing else of the board is visible in here.
//
// /sys/class/thermal holds only links that lead out of it, which a sandbox does not follow; the
// zones themselves lie in /sys/devices/virtual/thermal, which wafer.yaml grants at /thermal.
import { getDirectories } from 'wasi:filesystem/preopens@0.2.12';
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';
import { send } from 'wasi:messaging/producer@0.2.0-draft';

const THERMAL = '/thermal';
const LOADAVG = '/proc/loadavg';
const MAX_FILE_BYTES = 256;

// Handles are asked for once, when first needed: the host counts those that are never given back.
let folders;
const grantedAt = (path) => {
  folders ??= new Map(getDirectories().map(([descriptor, name]) => [name, descriptor]));
  return folders.get(path);
};
let client;
const connection = () => (client ??= Client.connect(''));

/**
 * { topic, key, unit, value }: degrees Celsius on telemetry/temperature, or the load average of
 * the last minute on telemetry/load. Throws a string when the board gives neither.
 */
export function measure() {
  const zones = grantedAt(THERMAL);
  const hottest = zones === undefined ? undefined : hottestZone(zones);
  if (hottest !== undefined)
    return { topic: 'telemetry/temperature', key: 'celsius', unit: '°C', value: hottest };
  const load = grantedAt(LOADAVG);
  if (load !== undefined)
    return { topic: 'telemetry/load', key: 'load', unit: 'runnable tasks', value: loadAverage(load) };
  throw `neither ${THERMAL} nor ${LOADAVG} is granted`;
}

/** Sends a JSON object on a topic. */
export function publish(topic, reading) {
  send(connection(), topic, new Message(encode(JSON.stringify(reading))));
}

/**
 * Answers a message on commands/read, at once and with the `id` that it came with: a reading on
 * replies, for example {"id":7,"celsius":47.2}. Other commands are not understood.
 */
export function answer(message) {
  if (message.topic() !== 'commands/read') throw { tag: 'other', val: 'the only command is commands/read' };
  const { id } = JSON.parse(decode(message.data()));
  const { key, value } = measure();
  publish('replies', { id, [key]: value });
}

/** The engine has no TextEncoder; this is UTF-8 for the strings that are sent and saved here. */
export function encode(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (char) => char.charCodeAt(0));
}

export function decode(bytes) {
  return decodeURIComponent(escape(String.fromCharCode(...bytes)));
}

/** In °C; undefined when no zone can be read. Zones count from 0 without gaps. */
function hottestZone(directory) {
  let hottest;
  for (let zone = 0; ; zone += 1) {
    const text = readIfThere(directory, `thermal_zone${zone}/temp`);
    if (text === undefined) return hottest;
    // Thousandths of a degree; empty when the sensor sleeps.
    const celsius = text === '' ? NaN : Number(text) / 1000;
    if (Number.isFinite(celsius) && !(celsius <= hottest)) hottest = celsius;
  }
}

/** Granted as a file or, by hosts that grant folders only, as a folder with that file in it. */
function loadAverage(descriptor) {
  const text =
    descriptor.getType() === 'directory' ? readIfThere(descriptor, 'loadavg') : readAll(descriptor);
  const load = Number((text ?? '').split(' ')[0] || NaN);
  if (!Number.isFinite(load)) throw `${LOADAVG} does not hold a load average`;
  return load;
}

/** undefined when there is no such file; '' when it is there and cannot be read now. */
function readIfThere(directory, path) {
  let file;
  try {
    file = directory.openAt({ symlinkFollow: false }, path, {}, { read: true });
  } catch {
    return undefined;
  }
  try {
    return readAll(file);
  } catch {
    return '';
  } finally {
    file[Symbol.dispose]();
  }
}

function readAll(file) {
  const [bytes] = file.read(MAX_FILE_BYTES, 0);
  return decode(bytes).trim();
}
