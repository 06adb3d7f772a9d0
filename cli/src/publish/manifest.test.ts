import { describe, expect, it } from 'vitest';
import { parseManifest } from './manifest.ts';

const parse = (text: string) => parseManifest(text, 'wafer.yaml');

describe('wafer.yaml', () => {
  it('may be empty: an app that asks for nothing', () => {
    expect(parse('')).toMatchObject({ grants: {}, config: {}, limits: { memoryMiB: 32 }, triggers: {} });
  });

  it('fills in what a section leaves out', () => {
    expect(parse('limits: { memoryMiB: 4 }\nhealth: { soakMs: 0 }')).toMatchObject({
      limits: { memoryMiB: 4, deadlineMs: 1000 },
      health: { soakMs: 0, probeWithinMs: 5000 },
    });
  });

  it.each([
    ['grants: { filesytem: [] }', /grants: .*filesytem/],
    ['grants: { filesystem: [{ host: ../etc, guest: /x, access: read }] }', /grants\.filesystem\.0\.host/],
    ['grants: { messaging: { publish: ["a/#/b"] } }', /grants\.messaging\.publish\.0: not a valid MQTT/],
    ['limits: { memoryMiB: lots }', /limits\.memoryMiB/],
    ['app: Thermo', /app: an app name is/],
    ['app: root', /app: this name is reserved/],
    ['world: proxy', /world/],
    ['triggers: { everyMs: 1 }', /triggers\.everyMs/],
    ['triggers: { everyMs: 500, cron: "* * * * *" }', /triggers: .*exclude each other/],
    ['triggers: { cron: "61 * * * *" }', /triggers\.cron: "61 \* \* \* \*" is not understood: .*minute: 61/],
    ['triggers: { cron: "@daily", timeZone: Mars/Base }', /triggers\.timeZone: "Mars\/Base"/],
    ['world: reactor\ntriggers: { keepRunning: true }', /triggers\.keepRunning: it is for commands/],
    ['isolation: alone', /isolation/],
    ['config: { a: 1 }', /config\.a/],
    ['- 1', /the file/],
    ['a: [', /wafer\.yaml: .*line 1/],
    ['app: a\napp: b', /Map keys must be unique/],
  ])('refuses %j naming the key', (text, complaint) => {
    expect(() => parse(text)).toThrow(complaint);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'manifest.invalid' }));
  });
});
