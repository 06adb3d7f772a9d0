/** `npm run -s broker -- --plain PORT`: runs plain.ts until it is told to end. */
import '@wafer/protocol/require-node';

const { parseArgs } = await import('node:util');
const { pino } = await import('pino');
const { openPlainBroker } = await import('./plain.ts');

const WARNING =
  'warning: a broker without encryption and without authentication, for interoperability tests; no device may use it';

function portOf(args: string[]): number | undefined {
  try {
    const { values } = parseArgs({ args, options: { plain: { type: 'string' } } });
    const port = /^\d{1,5}$/.test(values.plain ?? '') ? Number(values.plain) : NaN;
    return port <= 65_535 ? port : undefined;
  } catch {
    return undefined;
  }
}

const port = portOf(process.argv.slice(2));
if (port === undefined) {
  process.stderr.write('usage: npm run -s broker -- --plain PORT   (0 for any free port)\n');
  process.exit(2);
}
try {
  const open = await openPlainBroker(port, pino({ level: 'warn' }, pino.destination(2)));
  process.stderr.write(`${WARNING}\n`);
  process.stdout.write(
    `${JSON.stringify({ ready: true, plain: true, mqtt: { host: '127.0.0.1', port: open.port } })}\n`,
  );
  const leave = (): void => void open.close().finally(() => process.exit(0));
  process.once('SIGTERM', leave);
  process.once('SIGINT', leave);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The port 127.0.0.1:${port} cannot be had (${why}): choose another.\n`);
  process.exit(1);
}
