import { expect, test } from 'vitest';
import { Limits } from '@wafer/protocol';
import { ConfigError, grantsBound, limitBeyond, parseConfig } from './config.ts';

test('a missing or empty file means defaults and no cap', () => {
  const config = parseConfig('', 'agent.yaml');
  expect(config).toEqual({
    policy: {},
    metered: false,
    health: { everySeconds: 10 },
    suggestAfterHours: 168,
    isolates: 2,
  });
  expect(grantsBound(config.policy, { clock: true })).toBeUndefined();
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
  expect(grantsBound(policy, { environment: { REGION: 'eu' } })?.environment).toEqual({ REGION: 'eu' });
  const named = parseConfig('policy: { grants: { environment: {} } }', 'agent.yaml').policy;
  expect(grantsBound(named, { environment: { REGION: 'eu' } })?.environment).toEqual({});
});

test.each(Limits.keyof().options)('%s beyond the cap is named, and up to it is none', (name) => {
  const limits = Limits.parse({});
  const cap = limits[name];
  const { policy } = parseConfig(`policy: { limits: { ${name}: ${cap} } }`, 'agent.yaml');
  expect(limitBeyond(policy, { ...limits, [name]: cap + 1 })).toEqual({ name, wanted: cap + 1, cap });
  expect(limitBeyond(policy, limits)).toBeUndefined();
});

test('a cap of a limit that there is not is an error', () => {
  expect(() => parseConfig('policy: { limits: { memory: 16 } }', 'agent.yaml')).toThrow(/policy\.limits/);
});
