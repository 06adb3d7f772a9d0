import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterCovers } from './grants.ts';
import { AppName, DeviceId } from './ids.ts';
import {
  deviceAccess,
  deviceTopic,
  DOWN_LEAVES,
  guestTopic,
  mayPublish,
  mayReceive,
  maySubscribe,
  MAX_TOPIC_LEVELS,
  parseUpTopic,
  UP_LEAVES,
} from './topics.ts';

const me = DeviceId.parse('d-aaaaaaaaaaaaaaaa');
const other = DeviceId.parse('d-bbbbbbbbbbbbbbbb');
const thermo = AppName.parse('thermo');
const access = deviceAccess(me);

describe('the access table', () => {
  it.each(UP_LEAVES)('lets a device publish its own %s and nobody else’s', (leaf) => {
    expect(mayPublish(access, deviceTopic(me, leaf))).toBe(true);
    expect(mayPublish(access, deviceTopic(other, leaf))).toBe(false);
    expect(maySubscribe(access, deviceTopic(me, leaf))).toBe(false);
  });

  it.each(DOWN_LEAVES)('lets a device receive its own %s and nobody else’s', (leaf) => {
    expect(maySubscribe(access, deviceTopic(me, leaf))).toBe(true);
    expect(mayReceive(access, deviceTopic(me, leaf))).toBe(true);
    expect(maySubscribe(access, deviceTopic(other, leaf))).toBe(false);
    expect(mayReceive(access, deviceTopic(other, leaf))).toBe(false);
    expect(mayPublish(access, deviceTopic(me, leaf))).toBe(false);
  });

  it.each(['#', '+/#', 'wafer/#', 'wafer/v1/d/+/desired', 'wafer/v1/d/#', '$SYS/#', '', '/', 'wafer/v1/c/#'])(
    'refuses the filter %j',
    (filter) => expect(maySubscribe(access, filter)).toBe(false),
  );

  it('refuses wildcards and depth in a topic name', () => {
    expect(mayPublish(access, `wafer/v1/d/${me}/m/thermo/up/#`)).toBe(false);
    const deep = Array.from({ length: MAX_TOPIC_LEVELS }, () => 'a').join('/');
    expect(mayPublish(access, guestTopic(me, thermo, 'up', deep))).toBe(false);
  });

  it('gives no device, by any filter, what belongs to another', () => {
    const level = fc.constantFrom(
      'wafer',
      'v1',
      'd',
      'c',
      me,
      other,
      '+',
      '#',
      'desired',
      'm',
      'thermo',
      'down',
      '',
    );
    const changed = fc
      .tuple(fc.constantFrom(...access.subscribe), fc.array(fc.tuple(fc.nat(7), level), { maxLength: 2 }))
      .map(([filter, changes]) => {
        const levels = filter.split('/');
        for (const [index, value] of changes) if (index < levels.length) levels[index] = value;
        return levels.join('/');
      });
    fc.assert(
      fc.property(changed, (filter) => {
        fc.pre(maySubscribe(access, filter));
        for (const leaf of DOWN_LEAVES) expect(filterCovers(filter, deviceTopic(other, leaf))).toBe(false);
      }),
    );
  });
});

describe('parseUpTopic', () => {
  it('reads what the builders wrote', () => {
    for (const leaf of UP_LEAVES)
      expect(parseUpTopic(deviceTopic(me, leaf))).toEqual({ kind: leaf, device: me });
    expect(parseUpTopic(guestTopic(me, thermo, 'up', 'telemetry/load'))).toEqual({
      kind: 'guest',
      device: me,
      app: 'thermo',
      topic: 'telemetry/load',
    });
  });

  it.each([
    'wafer/v1/d',
    'wafer/v2/d/x/hello',
    `wafer/v1/d/${me}/hello/more`,
    `wafer/v1/d/${me}/m/thermo/down/x`,
  ])('knows nothing of %j', (topic) => expect(parseUpTopic(topic)).toBeUndefined());
});
