import { refusals } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import type { Inspection } from '../publish/component.ts';
import { parseManifest } from '../publish/manifest.ts';
import { starterManifest } from './starter.ts';

const MIB = 1024 * 1024;
const EVERY_GRANT = [
  'wasi:cli/environment@0.2.12',
  'wasi:clocks/wall-clock@0.2.12',
  'wasi:filesystem/preopens@0.2.12',
  'wasi:messaging/producer@0.2.0-draft',
  'wasi:random/random@0.2.12',
];

const inspection = (imports: string[], exports = ['wafer:app/lifecycle@0.1.0']): Inspection => ({
  world: 'reactor',
  imports,
  exports,
});
const start = (guest: Inspection, startBytes = MIB, file = '/src/thermo-1.2.0.wasm') =>
  starterManifest(file, guest, { startBytes, maximumBytes: null });

describe('the manifest to start from', () => {
  it.each([[[]], [['wasi:clocks/wall-clock@0.2.12']], [['wasi:filesystem/preopens@0.2.12']], [EVERY_GRANT]])(
    'is one that publish takes, and admits the imports %j',
    (imports) => {
      const { app, world, grants } = parseManifest(start(inspection(imports)), 'wafer.yaml');
      expect({ app, world }).toEqual({ app: 'thermo', world: 'reactor' });
      expect(refusals(imports, grants)).toEqual([]);
    },
  );

  it('grants nothing that no import needs, and no power by example', () => {
    const { grants } = parseManifest(start(inspection(EVERY_GRANT)), 'wafer.yaml');
    expect(grants).toEqual({ clock: true, random: true, messaging: { publish: [], subscribe: [] } });
  });

  it('names the imports that need each grant beside it', () => {
    const text = start(inspection(['wasi:clocks/monotonic-clock@0.2.6', 'wasi:clocks/wall-clock@0.2.6']));
    expect(text).toMatch(
      /clock: true # .*clocks\/monotonic-clock@0\.2\.6, wasi:clocks\/wall-clock@0\.2\.6$/m,
    );
  });

  it('shows folders, topics and variables as examples that are valid once uncommented', () => {
    const text = start(
      inspection(EVERY_GRANT, ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft']),
    );
    const uncommented = text.replace(/^ {2}messaging: .*$/m, '').replaceAll(/^ {2}# /gm, '  ');
    expect(parseManifest(uncommented, 'wafer.yaml').grants).toMatchObject({
      messaging: { publish: ['telemetry/#'], subscribe: ['commands/#'] },
      filesystem: [{ guest: '/thermal', access: 'read' }],
      environment: { REGION: 'eu' },
    });
  });

  it('gives a guest that begins large room to grow, and no more than a limit may say', () => {
    const limit = (startBytes: number) =>
      parseManifest(start(inspection([]), startBytes), 'wafer.yaml').limits.memoryMiB;
    expect([1, 40 * MIB, 3000 * MIB].map(limit)).toEqual([32, 80, 2048]);
  });

  it('leaves the name to the person when the file has none for an app', () => {
    const text = start(inspection([]), MIB, '/src/1.0.0.wasm');
    expect(text).toContain('# app: my-app');
    expect(parseManifest(text, 'wafer.yaml').app).toBeUndefined();
  });
});
