/** `wafer inspect`: reads a guest and says what it is, what it needs and what would refuse it. */
import { Grants, HealthRule, Limits, Triggers } from '@wafer/protocol';
import type { Command } from 'commander';
import { relative, resolve } from 'node:path';
import { addCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { warner } from '../output.ts';
import { fields, table } from '../table.ts';
import { type ByPackage, mib, type Report, reportOn } from './report.ts';

export function addInspectCommand(program: Command, context: Context): void {
  addCommand(
    program,
    'inspect <file>',
    'what a component, a WASI preview 1 module, a .js guest or a .c file imports, exports, weighs and needs',
    context,
    async ([file = ''], command) => {
      const { manifest } = command.opts<{ manifest?: string }>();
      const report = await reportOn(
        resolve(context.cwd, file),
        manifest === undefined ? undefined : resolve(context.cwd, manifest),
        warner(context),
      );
      return { json: report, text: () => describe(report, context.cwd) };
    },
  )
    .option(
      '--manifest <file>',
      'whose grants to judge it by (default: wafer.yaml beside the file, else none)',
    )
    .addHelpText('after', MANIFEST_HELP);
}

const list = (names: readonly string[]): string => names.join(', ');

/** From the schemas, so that it cannot lag behind them. */
const MANIFEST_HELP = `
What a wafer.yaml may say:
  grants    ${list(Object.keys(Grants.shape))}
  limits    ${list(Object.entries(Limits.parse({})).map(([name, value]) => `${name} ${value}`))}
  triggers  ${list(Object.keys(Triggers.shape))}
  health    ${list(Object.keys(HealthRule.shape))}
  config    names and values, for wasi:config`;

const SOURCES: Readonly<Record<Report['from'], string>> = {
  component: 'a component',
  module: 'a WASI preview 1 module, adapted',
  javascript: 'a JavaScript guest, componentized',
  c: 'C, compiled',
};

function describe(report: Report, cwd: string): string {
  const { file, from, world, digest, length, travels, memory, judgedBy, refused } = report;
  const by = judgedBy === null ? 'no grants (there is no wafer.yaml)' : shown(judgedBy, cwd);
  const head = fields([
    ['file', `${shown(file, cwd)}, ${SOURCES[from]}`],
    ['world', world],
    ['size', `${count(length)} bytes, travels as ${count(travels.bytes)} (zstd, ${travels.chunks} chunks)`],
    ['memory', memory === null ? 'cannot be told' : describeMemory(memory)],
    ['SHA-256', digest],
  ]);
  const reasons = refused.map(({ reason }) => `  ${reason}`).join('\n');
  return [
    head,
    section('imports', report.imports),
    section('exports', report.exports),
    refused.length === 0 ? `Nothing is refused under ${by}.` : `Refused under ${by}:\n${reasons}`,
    `A wafer.yaml to start from:\n\n${report.starter}`,
  ].join('\n\n');
}

function describeMemory({ startBytes, maximumBytes }: NonNullable<Report['memory']>): string {
  const most = maximumBytes === null ? 'no maximum but limits.memoryMiB' : `at most ${mib(maximumBytes)}`;
  return `begins with ${mib(startBytes)}, ${most}`;
}

const section = (title: string, groups: ByPackage): string =>
  table(
    [title, 'interfaces'],
    Object.entries(groups).map(([name, interfaces]) => [name, interfaces.join(', ')]),
    `${title.toUpperCase()}  none`,
  );

const count = (bytes: number): string => bytes.toLocaleString('en');

/** As the person would type it, unless that climbs out of the folder that they are in. */
function shown(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}
