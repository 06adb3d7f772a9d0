import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { newPosted, Wire } from './wire.ts';

/** Two ends in one thread. `answer` is what the far end does with each message. */
function exchange(answer: (message: number, post: (message: number) => void) => void) {
  const { port1, port2 } = new MessageChannel();
  const posted = newPosted();
  const received: number[] = [];
  let onReceived: () => void = () => undefined;
  const main: Wire<number, number> = new Wire(port1, posted, 'main', (message) => {
    received.push(message);
    onReceived();
  });
  const far: Wire<number, number> = new Wire(port2, posted, 'isolate', (message) => {
    far.goesOn();
    answer(message, (reply) => far.post(reply));
    far.waits();
  });
  /** Says it and waits for so many answers. */
  const ask = (message: number, answers: number): Promise<void> =>
    new Promise((resolve) => {
      const last = received.length + answers;
      onReceived = () => {
        if (received.length < last) return;
        main.goesOn();
        resolve();
      };
      main.post(message);
      main.waits();
    });
  return { main, received, ask, close: () => main.close() };
}

test('a brisk exchange brings every message once and in order', async () => {
  const { received, ask, close } = exchange((message, post) => {
    post(message);
    post(-message);
  });
  const sent = Array.from({ length: 500 }, (_, index) => index + 1);
  for (const message of sent) await ask(message, 2);
  expect(received).toEqual(sent.flatMap((message) => [message, -message]));
  close();
});

test('an end that looks in vain goes back to sleep and is woken by the next message', async () => {
  let hold: (() => void) | undefined;
  const { received, ask, close } = exchange((message, post) => {
    if (message < 200) post(message);
    else hold = () => post(message);
  });
  for (let message = 0; message < 200; message += 1) await ask(message, 1);
  setTimeout(() => hold?.(), 20);
  await ask(200, 1);
  expect(received).toHaveLength(201);
  close();
});

test('what has come already is received at once', async () => {
  const { main, received, ask, close } = exchange((message, post) => {
    for (let count = 0; count < message; count += 1) post(count);
  });
  await ask(3, 1);
  main.drain();
  expect(received).toEqual([0, 1, 2]);
  close();
});
