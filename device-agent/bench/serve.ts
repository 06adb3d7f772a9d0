/** A benchmark's process: one line of JSON in, one line out, until its input ends. */
import { createInterface } from 'node:readline';

export async function serve(answer: (command: unknown) => Promise<object>, close: () => Promise<void>) {
  try {
    for await (const line of createInterface({ input: process.stdin })) {
      process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
    }
  } finally {
    await close();
  }
}
