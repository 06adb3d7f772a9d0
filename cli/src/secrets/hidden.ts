/** Asks a person at a terminal for something that nobody shall read over their shoulder. */
import { WaferError } from '@wafer/protocol';
import { createInterface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';

/** The line that is typed, without any echo; `output` gets the question. Throws cli.usage when it is broken off. */
export function askHidden(input: Readable, output: Writable, question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asked = createInterface({ input, output: silent, terminal: true, historySize: 0 });
  output.write(question);
  return new Promise<string>((resolve, reject) => {
    asked.once('line', resolve);
    // Ctrl-C and Ctrl-D close it as well; after a line nobody listens any more.
    asked.once('close', () => reject(new WaferError('cli.usage', 'no value was entered')));
    asked.once('SIGINT', () => asked.close());
  }).finally(() => {
    asked.close();
    output.write('\n');
  });
}
