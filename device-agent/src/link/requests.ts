/**
 * Questions to the server and their answers, over messages that may be lost, doubled, late or
 * forged: each request has an id that is never used twice, at most WINDOW are under way, each is
 * asked again when no answer comes, and an answer counts only if it fits the request that waits.
 * After the last try the asker gets a `link` fault; nothing waits for ever.
 */
import {
  decodeFrame,
  FaultError,
  Request,
  RESPONSE_BODY_BYTES,
  ResponseHeader,
  type MetadataName,
  type Digest,
} from '@wafer/protocol';

type Ok = Extract<ResponseHeader, { status: 'ok' }>;

export type Question =
  | { readonly want: 'metadata'; readonly name: MetadataName; readonly offset: number }
  | { readonly want: 'news'; readonly known: Readonly<Record<string, number>> }
  | { readonly want: 'chunk'; readonly digest: Digest; readonly index: number }
  | { readonly want: 'time'; readonly nonce: string };

export type Answer =
  | { readonly status: 'ok'; readonly header: Ok; readonly body: Buffer }
  | { readonly status: 'error'; readonly code: 'not-found' | 'forbidden' | 'invalid' };

export interface Requests {
  /** Rejects with a `link` fault after the last try, or with the signal's reason. */
  ask(question: Question, signal?: AbortSignal): Promise<Answer>;
  /** A frame from the topic `response`. False when nobody waits for it or it does not fit. */
  receive(frame: Uint8Array): boolean;
  /** The session is new: whatever waits is asked again at once. */
  reconnected(): void;
  /** Everyone who waits gets a `link` fault, and so does everyone who asks from now on. */
  close(): void;
}

export interface RequestOptions {
  /** Publishes on the topic `request`; may drop when there is no session. */
  readonly send: (request: Request) => void;
  /** Requests under way at once. */
  readonly window?: number;
  /** How long one try waits, ms. */
  readonly timeoutMs?: number;
  readonly tries?: number;
}

interface Waiting {
  readonly request: Request;
  readonly settle: (answer: Answer | FaultError) => void;
  timer: NodeJS.Timeout | undefined;
  triesLeft: number;
}

export function createRequests(options: RequestOptions): Requests {
  const { send, window = 8, timeoutMs = 5000, tries = 4 } = options;
  const waiting = new Map<number, Waiting>();
  const queue: (() => void)[] = [];
  let lastId = 0;
  let isClosed = false;

  function attempt(entry: Waiting): void {
    clearTimeout(entry.timer);
    if (entry.triesLeft === 0) {
      entry.settle(
        new FaultError('link', `the server did not answer ${tries} requests for ${subject(entry.request)}`),
      );
      return;
    }
    entry.triesLeft -= 1;
    entry.timer = setTimeout(() => attempt(entry), timeoutMs);
    send(entry.request);
  }

  function begin(question: Question, signal: AbortSignal | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      const onAbort = () => finish(() => reject(signal?.reason));
      const finish = (end: () => void) => {
        clearTimeout(entry.timer);
        waiting.delete(id);
        signal?.removeEventListener('abort', onAbort);
        end();
        queue.shift()?.();
      };
      const entry: Waiting = {
        request: Request.parse({ id, ...question }),
        settle: (answer) => finish(() => (answer instanceof FaultError ? reject(answer) : resolve(answer))),
        timer: undefined,
        triesLeft: tries,
      };
      waiting.set(id, entry);
      signal?.addEventListener('abort', onAbort, { once: true });
      attempt(entry);
    });
  }

  return {
    async ask(question, signal) {
      // Woken one at a time, so whoever was first in the queue re-checks first.
      while (waiting.size >= window) await new Promise<void>((resolve) => queue.push(resolve));
      if (isClosed) {
        queue.shift()?.();
        throw leaving();
      }
      if (signal?.aborted) {
        queue.shift()?.();
        throw signal.reason;
      }
      return begin(question, signal);
    },
    receive(bytes) {
      const frame = decodeFrame(bytes);
      const header = ResponseHeader.safeParse(frame?.header);
      if (frame === undefined || !header.success) return false;
      const entry = waiting.get(header.data.id);
      if (entry === undefined) return false;
      // Busy is not an answer: the next try follows when this one's time is over.
      if (header.data.status === 'error' && header.data.code === 'busy') return true;
      const answer = fitting(entry.request, header.data, Buffer.from(frame.body));
      if (answer === undefined) return false;
      entry.settle(answer);
      return true;
    },
    reconnected() {
      for (const entry of waiting.values()) {
        entry.triesLeft = tries;
        attempt(entry);
      }
    },
    close() {
      isClosed = true;
      for (const entry of waiting.values()) entry.settle(leaving());
    },
  };
}

const leaving = (): FaultError => new FaultError('link', 'the agent is leaving');

function subject(request: Request): string {
  switch (request.want) {
    case 'metadata':
      return request.name;
    case 'news':
      return 'news';
    case 'chunk':
      return `chunk ${request.index}`;
    case 'time':
      return 'the time';
  }
}

/** The answer as far as it can be checked without keys; undefined when it cannot be one. */
function fitting(request: Request, header: ResponseHeader, body: Buffer): Answer | undefined {
  if (header.status === 'error') {
    return header.code === 'busy' ? undefined : { status: 'error', code: header.code };
  }
  if (body.length > RESPONSE_BODY_BYTES) return undefined;
  if (request.want === 'metadata') {
    if (header.total === undefined || request.offset + body.length > header.total) return undefined;
    if (body.length === 0 && request.offset < header.total) return undefined;
  }
  if (request.want === 'news') {
    const { files } = header;
    if (files === undefined || body.length !== files.reduce((sum, { bytes }) => sum + bytes, 0))
      return undefined;
  }
  return { status: 'ok', header, body };
}
