import { expect, test } from 'vitest';
import { placeInWords, placesOfFailure } from './places.ts';

test('what the server’s schema refuses stands at its field', () => {
  const places = [
    { path: 'body/waves/0/gate/successPercent', message: 'Too big' },
    { path: 'body', message: 'targets: an app is named twice' },
  ];
  expect([...placesOfFailure({ places, message: 'body/waves/0/gate/successPercent: Too big' })]).toEqual([
    ['waves/0/gate/successPercent', 'Too big'],
    ['targets', 'an app is named twice'],
  ]);
});

test('what a rule of the server refuses stands at its field too', () => {
  const message = 'body/windows/0/cron: "x" is not understood: there are too few fields.';
  expect([...placesOfFailure({ places: [], message })]).toEqual([
    ['windows/0/cron', '"x" is not understood: there are too few fields.'],
  ]);
});

test('a refusal that is about no field stands at none', () => {
  expect([...placesOfFailure({ places: [], message: 'No device of the channel stable fits.' })]).toEqual([]);
});

test('rows are counted from one for people', () => {
  expect(['waves/1/devices/percent', 'waves', 'deadline'].map(placeInWords)).toEqual([
    'wave 2',
    'waves',
    'deadline',
  ]);
});
