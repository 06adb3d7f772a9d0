/** A guest's host that lets everything pass and tells nothing; tests say what else it should do. */
import type { Host } from '../../src/capabilities/host.ts';
import { Redactor } from '../../src/capabilities/redact.ts';

export const quietHost = (parts: Partial<Host> = {}): Host => ({
  grants: {},
  config: {},
  secrets: {},
  redactor: new Redactor({}),
  log: () => undefined,
  publish: () => undefined,
  spend: () => true,
  used: () => undefined,
  report: () => undefined,
  fail: (refusal) => {
    throw refusal;
  },
  ...parts,
});
