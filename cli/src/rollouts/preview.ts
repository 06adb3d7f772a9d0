/** A dry run for people. Pure. */
import type { DeviceVerdict, RolloutPreview } from '@wafer/protocol';
import { fields, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { stretch } from './bar.ts';
import { capabilityDiff, countsOf, duration, size, targetsOf } from './words.ts';

const BAR_WIDTH = 24;

/** One line a wave: its stretch of all devices, who they are, what they would receive. */
function describePlan({ devices, waves }: RolloutPreview): string {
  let before = 0;
  const rows = waves.map((wave, index) => {
    const from = before;
    before += wave.devices;
    return [
      `${index + 1}`,
      stretch({ from, length: wave.devices, of: devices }, BAR_WIDTH),
      wave.name,
      `${wave.devices}`,
      countsOf(wave.architectures),
      countsOf(wave.verdicts),
      size(wave.bytes),
      duration(wave.minutes),
    ];
  });
  const head = ['', 'wave', '', 'devices', 'architectures', 'verdicts', 'to receive', 'takes'];
  return table(head, rows, 'no waves');
}

export function describePreview(preview: RolloutPreview, paint: Paint): string {
  const { devices, fingerprint, targets, verdicts, bytes, minutes } = preview;
  const head = fields([
    ['devices', `${devices}`],
    ['releases', targetsOf(targets)],
    ['verdicts', countsOf(verdicts)],
    ['to receive', size(bytes)],
    ['takes', `${duration(minutes)}, windows and approvals not counted`],
    ['fingerprint', fingerprint],
  ]);
  return [head, capabilityDiff(targets, true, paint), describePlan(preview)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** One line a device. */
export const describeVerdicts = (lines: readonly DeviceVerdict[]): string =>
  table(
    ['device', 'name', 'architecture', 'wave', 'verdict', 'detail', 'to receive'],
    lines.map(({ device, name, architecture, wave, verdict, detail, bytes }) => [
      device,
      name,
      architecture,
      wave === null ? '–' : `${wave + 1}`,
      verdict,
      detail ?? '',
      bytes === 0 ? '–' : size(bytes),
    ]),
    'no devices',
  );
