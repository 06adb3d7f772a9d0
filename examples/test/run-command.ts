/** Runs the command in argv[2] with the environment in argv[3], its output going to stdout; for tests. */
import { startGuest } from './guest.ts';

const [, , component = '', environment = '{}'] = process.argv;
const guest = await startGuest(component, {
  preopens: {},
  environment: JSON.parse(environment) as Record<string, string>,
});
guest.exports['run']?.['run']?.();
