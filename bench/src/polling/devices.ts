/**
 * The devices of the classic server, as many as there are on one connection each, which stays open: they ask
 * in turn, as fast as they are answered, and do what they are told without taking any time for it.
 *
 * Standard input: one JSON. Standard output: a line when all are connected. Ends with its input.
 */
import { Agent, request } from 'node:https';
import { z } from 'zod';
import { createInterface } from 'node:readline';

const Setup = z.strictObject({
  port: z.number().int(),
  devices: z.number().int(),
  /** Requests under way at one time. */
  width: z.number().int(),
  /** Of 100, that fail. */
  failing: z.number().int(),
});

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setup = Setup.parse(JSON.parse((await lines.next()).value as string));
const { port, devices, width, failing } = setup;
let isOver = false;

interface Answer {
  readonly _links?: { readonly deploymentBase?: { readonly href: string } };
}

class Device {
  readonly #name: string;
  readonly #index: number;
  // Whose certificate it is is not looked at, which spares these devices a check.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });

  constructor(index: number) {
    this.#index = index;
    this.#name = `device-${index}`;
  }

  #ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `TargetToken token-${this.#index}`,
        'content-length': Buffer.byteLength(payload),
      };
      const call = request(
        { agent: this.#agent, host: '127.0.0.1', port, method, path, headers },
        (answer) => {
          const parts: Buffer[] = [];
          answer.on('data', (part: Buffer) => parts.push(part));
          answer.on('end', () => {
            const text = Buffer.concat(parts).toString();
            if (answer.statusCode === 200) resolve(JSON.parse(text) as Answer);
            else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
          });
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  async poll(): Promise<void> {
    const { _links: links } = await this.#ask('GET', `/controller/${this.#name}`);
    const href = links?.deploymentBase?.href;
    if (href === undefined) return;
    await this.#ask('GET', href);
    await this.#ask('POST', `${href}/feedback`, { execution: 'download', result: 'none' });
    await this.#ask('POST', `${href}/feedback`, { execution: 'proceeding', result: 'none' });
    const result = this.#index % 100 < failing ? 'failure' : 'success';
    await this.#ask('POST', `${href}/feedback`, { execution: 'closed', result });
  }
}

const all = Array.from({ length: devices }, (_, index) => new Device(index));
let next = 0;
let asked = 0;
async function worker(): Promise<void> {
  while (!isOver) {
    const device = all[next % devices]!;
    next += 1;
    await device.poll();
    asked += 1;
    if (asked === devices) process.stdout.write(`${JSON.stringify({ connected: devices })}\n`);
  }
}
const working = Promise.all(Array.from({ length: width }, worker));
await lines.next();
isOver = true;
await working;
process.exit(0);
