import { expect, test } from 'vitest';
import { AppName, beyondPolicy, ChannelName, Limits } from '@wafer/protocol';
import { ConfigError, parseConfig } from './config.ts';

const order = (more: Partial<Parameters<typeof beyondPolicy>[0]>) => ({
  app: AppName.parse('thermo'),
  channel: ChannelName.parse('stable'),
  grants: {},
  limits: Limits.parse({}),
  ...more,
});

test('a missing or empty file means defaults and no cap', () => {
  const config = parseConfig('', 'agent.yaml');
  expect(config).toEqual({
    policy: {},
    metered: false,
    health: { everySeconds: 10 },
    suggestAfterHours: 168,
  });
  expect(beyondPolicy(order({ grants: { clock: true } }), config.policy)).toBeUndefined();
});

test('a misspelt cap is an error that names the key', () => {
  expect(() => parseConfig('policy:\n  grant: {}\n', 'agent.yaml')).toThrow(
    /agent\.yaml: policy\.grant: .*[Uu]nrecognized/,
  );
});

test('a value of the wrong type is an error that names its path', () => {
  expect(() => parseConfig('policy: { grants: { clock: often } }', 'agent.yaml')).toThrow(
    /policy\.grants\.clock/,
  );
  expect(() => parseConfig('broker: { host: gw }', 'agent.yaml')).toThrow(/broker\.port/);
  expect(() => parseConfig('suggestAfterHours: 0', 'agent.yaml')).toThrow(/suggestAfterHours/);
});

test('text that is no YAML is a ConfigError of one line', () => {
  const read = () => parseConfig('policy: [', 'agent.yaml');
  expect(read).toThrow(ConfigError);
  expect(read).not.toThrow(/\n/);
});

test('environment and arguments are capped only when the owner names them', () => {
  const { policy } = parseConfig('policy: { grants: { clock: true } }', 'agent.yaml');
  const grants = { environment: { REGION: 'eu' } };
  expect(beyondPolicy(order({ grants }), policy)).toBeUndefined();
  const named = parseConfig('policy: { grants: { environment: {} } }', 'agent.yaml').policy;
  expect(beyondPolicy(order({ grants }), named)?.subject).toBe('policy.grants.environment');
});

test.each(Limits.keyof().options)('%s beyond the cap is named, and up to it is none', (name) => {
  const limits = Limits.parse({});
  const cap = limits[name];
  const { policy } = parseConfig(`policy: { limits: { ${name}: ${cap} } }`, 'agent.yaml');
  expect(beyondPolicy(order({ limits: { ...limits, [name]: cap + 1 } }), policy)).toMatchObject({
    kind: 'policy',
    subject: `policy.limits.${name}`,
    message: expect.stringContaining(`${cap + 1} (at most ${cap})`),
  });
  expect(beyondPolicy(order({ limits }), policy)).toBeUndefined();
});

test('a cap of a limit that there is not is an error', () => {
  expect(() => parseConfig('policy: { limits: { memory: 16 } }', 'agent.yaml')).toThrow(/policy\.limits/);
});
