/** `wafer simulate`: what is typed becomes a fleet, and a server of other people is left alone. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';
import { problem, TOKEN } from './fleet-server.ts';

let person: Person;
afterEach(() => person.leave());

it.each([
  ['no number of devices', [], /--devices/],
  ['a number that is none', ['--devices', 'many'], /devices/],
  ['more than one process may have connections', ['--devices', '10001'], /devices/],
  ['a share without a percent sign', ['--devices', '9', '--behaviours', 'fail=2'], /"fail=2" is no share/],
  ['a behaviour that there is not', ['--devices', '9', '--behaviours', 'explode=1%'], /explode/],
  ['a behaviour twice', ['--devices', '9', '--behaviours', 'fail=1%,fail=2%'], /twice/],
  ['more than everybody', ['--devices', '9', '--behaviours', 'fail=60%,slow=50%'], /more than 100 %/],
  [
    'devices without an architecture',
    ['--devices', '9', '--architectures', 'x64=50%'],
    /together they must be 100 %/,
  ],
  ['a version that is none', ['--devices', '9', '--bad', 'newest'], /newest/],
  ['a duration that is none', ['--devices', '9', '--slow', 'long'], /"long" is no duration/],
])('refuses %s before anything is asked of the server', async (_, args, words) => {
  person = await signedIn();
  const run = await person.wafer('simulate', ...args);
  expect(run).toMatchObject({ exit: 2, stdout: '' });
  expect(run.stderr).toMatch(words);
  expect(person.server.requests).toEqual([]);
});

it('a server that is not on this machine is left alone, with the reason and the way to insist', async () => {
  person = await signedIn();
  const credentials = JSON.stringify({ api: 'https://fleet.example', token: TOKEN });
  await writeFile(join(person.folder, 'credentials.json'), credentials);
  const run = await person.wafer('simulate', '--devices', '3');
  expect(run.exit).toBe(2);
  expect(run.stderr).toMatch(/https:\/\/fleet\.example is not on this machine.*--yes-really/);
  expect(await readdir(person.folder)).toEqual(['credentials.json']);
});

it('ends with what the server said when it gives no claim token', async () => {
  person = await signedIn();
  person.server.intercept = (_, path) =>
    path === '/claim-tokens' ? problem('auth.forbidden', 'a viewer makes no tokens') : undefined;
  const run = await person.wafer(
    'simulate',
    '--devices',
    '5',
    '--behaviours',
    'slow=100%',
    '--data',
    'fleet',
  );
  expect(run.exit).toBe(3);
  expect(run.stderr).toMatch(/behaviours: 5 slow\narchitectures: .*\n.*a viewer makes no tokens/);
});
