/**
 * A rig is a board, or what stands in for one, on which journeys run. Parties: the journey, which knows
 * nothing but this; the rig, which knows how to start the agent there and how to reach its files; the
 * fleet server, which runs natively on this machine whatever the rig is, and which every rig reaches on
 * its own loopback.
 *
 * Invariants: a rig runs the packaged agent and nothing else of this project; what it started is ended,
 * and what it wrote outside its cache is removed, by `close`; a rig that cannot be had says why, by
 * `RigMissing`, and whoever asked for it skips it by name. A rig's waits are longer than this machine's by
 * its `patience`: emulated times are never a finding.
 */
import type { RigKind } from '@wafer/protocol';
import type { Ended } from '../ended.ts';
import type { AgentPackage } from './package.ts';

/** What runs there, found on the rig itself. */
export interface BoardFacts {
  /** As Node names it. */
  readonly arch: string;
  readonly os: string;
  readonly node: string;
  /** Where it is written what else is installed. */
  readonly packages?: string;
}

/** An agent that runs until it is stopped, or until its power goes. */
export interface RunningAgent {
  /** Resolves, with the device's id, once it has reached the broker; rejects if it ends before. */
  readonly ready: Promise<string>;
  /** The last lines of its log. */
  readonly log: readonly string[];
  /** Tells of each line of its log as it is written, until the function that it answers is called. */
  hear(heard: (line: string) => void): () => void;
  stop(): Promise<void>;
  /** Ends it and all that it started at once, as a power cut does. */
  kill(): Promise<void>;
}

/** Why a rig cannot be had here, and what to do about it. */
export class RigMissing extends Error {
  override readonly name = 'RigMissing';
}

export type Environment = Readonly<Record<string, string>>;

export type Say = (text: string) => void;

export interface Rig {
  readonly name: string;
  readonly kind: RigKind;
  /** As Node names it; `unknown` until a board was asked. */
  readonly arch: string;
  /** How many times longer than on this machine things may take. */
  readonly patience: number;
  /** Throws RigMissing. */
  prepare(agent: AgentPackage, say: Say): Promise<BoardFacts>;
  /** From now on the rig reaches this port of our loopback at the same port of its own. */
  reach(port: number): Promise<void>;
  /** A folder of this rig's own, which the agent may make; only the agent and the rig know it. */
  folder(name: string): string;
  /** One command of the agent, to its end. */
  agent(args: readonly string[]): Promise<Ended>;
  /** The agent on a folder; `environment` is on top of what it has there. */
  start(folder: string, environment?: Environment): Promise<RunningAgent>;
  /** A path of the rig's as this machine finds it; undefined where the rig is a machine of its own. */
  here(path: string): string | undefined;
  read(path: string): Promise<Buffer>;
  write(path: string, content: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
}
