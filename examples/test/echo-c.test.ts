/** echo-c, as it is checked in: a reactor in C that answers messages. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGuest } from './guest.ts';

const COMPONENT = join(import.meta.dirname, '../echo-c/echo.wasm');

async function start() {
  const { exports, sent, message } = await startGuest(COMPONENT, { preopens: {} });
  exports['lifecycle']!['start']!();
  const handle = (json: unknown) => exports['incomingHandler']!['handle']!(message(JSON.stringify(json)));
  return { handle, sent };
}

describe('echo-c', () => {
  it('answers each message on replies, with the same bytes', async () => {
    const { handle, sent } = await start();
    for (const json of ['hello', { a: [1, 2] }, 'x'.repeat(100)]) handle(json);
    expect(sent).toEqual([
      { topic: 'replies', json: 'hello' },
      { topic: 'replies', json: { a: [1, 2] } },
      { topic: 'replies', json: 'x'.repeat(100) },
    ]);
  });

  it('takes a message of 64 KiB, again and again', async () => {
    const { handle, sent } = await start();
    const text = 'y'.repeat(65_534);
    for (let count = 0; count < 200; count += 1) handle(text);
    expect(sent).toHaveLength(200);
    expect(sent.at(-1)).toEqual({ topic: 'replies', json: text });
  });
});
