/** `wafer boards`: the fleet by architecture and the newest run of the hardware tests; and publishing one. */
import { readFile } from 'node:fs/promises';
import { HardwareRun, WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { describeBoards } from './boards.ts';

async function runIn(path: string): Promise<HardwareRun> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new WaferError('cli.usage', `${path} cannot be read as JSON: ${String(error)}`);
  }
  const parsed = HardwareRun.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new WaferError('cli.usage', `${path} is no run: ${issue?.path.join('.')}: ${issue?.message}`);
}

export function addBoardCommands(program: Command, context: Context): void {
  const description =
    'devices by architecture with their self-tests, and the newest run of the hardware tests';
  const boards = addCommand(program, 'boards', description, context, async () => {
    const api = await signedInApi(context);
    const [fleet, run] = await Promise.all([api.boards(), api.latestRun()]);
    return { json: { boards: fleet, run: run ?? null }, text: () => describeBoards(fleet, run) };
  });

  addCommand(
    boards,
    'publish <file>',
    'publish a run of the hardware tests',
    context,
    async ([path = '']) => {
      const run = await (await signedInApi(context)).publishRun(await runIn(path));
      return { json: run, text: () => `published as run ${run.id}` };
    },
  );
}
