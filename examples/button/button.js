// A button to a message: each press and each release comes to the handler as a message on `$gpio/button`,
// because the grant says `edges: both`, and leaves as one on `telemetry/button`, for example
// {"pressed":true,"presses":3}. Edges that came faster than anybody could take are counted by the host.
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';
import { send } from 'wasi:messaging/producer@0.2.0-draft';

const encode = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const decode = (bytes) => String.fromCharCode(...bytes);

let client;
let presses = 0;

export const lifecycle = { start() {}, stop() {} };

export const incomingHandler = {
  handle(message) {
    const { edge, lost } = JSON.parse(decode(message.data()));
    const pressed = edge === 'rising';
    if (pressed) presses += 1;
    client ??= Client.connect('');
    const told = { pressed, presses, ...(lost > 0 ? { lost } : {}) };
    send(client, 'telemetry/button', new Message(encode(JSON.stringify(told))));
  },
};

// The count outlives a swap.
export const state = {
  save: () => encode(String(presses)),
  restore(snapshot) {
    presses = Number(decode(snapshot));
  },
};
