/**
 * What one app holds of the hardware: GPIO lines and serial ports. They are the app's, not an instance's: in
 * a swap, and when an instance is made anew after a trap, an output stays as it is and no edge is missed.
 * They go when no release of the app that runs or is kept warm was granted them.
 */
import { boardNames, gpioLabel } from '@wafer/protocol/board-names';
import type { AppName, GpioGrant } from '@wafer/protocol';
import { reason } from '../../log.ts';
import { Line, type LineConfig } from './gpio.ts';
import { HeldLine } from './held-line.ts';
import { POLLIN, SystemError, type Kernel } from './kernel.ts';
import type { Poller } from './poller.ts';
import type { Absent, HardwareGrants, LineAt, News } from './port.ts';
import { SerialPort } from './serial.ts';

const wiringOf = ({ direction, activeLow = false, bias, debounceMs = 0 }: GpioGrant): LineConfig => ({
  direction,
  activeLow,
  bias,
  debounceMs,
});

export class Holdings {
  readonly #app: AppName;
  readonly #kernel: Kernel;
  readonly #poller: Poller;
  readonly #tell: (news: News) => void;
  readonly #lines = new Map<string, HeldLine>();
  readonly #ports = new Map<string, SerialPort>();
  readonly #readers = new Map<string, Set<() => void>>();

  constructor(app: AppName, kernel: Kernel, poller: Poller, tell: (news: News) => void) {
    this.#app = app;
    this.#kernel = kernel;
    this.#poller = poller;
    this.#tell = tell;
  }

  /** The line as `config` has it; one that is held already keeps its state. Throws a `SystemError`. */
  line({ chip, line }: LineAt, config: LineConfig, isActive = false): HeldLine {
    const name = boardNames.gpio({ chip, line });
    const known = this.#lines.get(name);
    if (known !== undefined) {
      known.line.configure(config);
      return known;
    }
    const held = new HeldLine(new Line(this.#kernel, chip, line, config, isActive), this.#poller);
    this.#lines.set(name, held);
    return held;
  }

  /** Throws a `SystemError`. */
  port(device: string, { serial }: HardwareGrants): SerialPort {
    const known = this.#ports.get(device);
    if (known !== undefined) return known;
    const grant = serial.find((each) => each.device === device);
    if (grant === undefined) throw new SystemError(1, device);
    const port = new SerialPort(this.#kernel, grant);
    this.#ports.set(device, port);
    return port;
  }

  /** Calls `isReady` once, when something has come; answers what gives that up. Throws a `SystemError`. */
  awaitInput(device: string, grants: HardwareGrants, isReady: () => void): () => void {
    const { fd } = this.port(device, grants);
    const readers = this.#readers.get(device) ?? new Set();
    this.#readers.set(device, readers.add(isReady));
    this.#poller.watch(fd, POLLIN, () => {
      this.#poller.forget(fd);
      this.#tellReaders(device);
    });
    return () => readers.delete(isReady);
  }

  /** It failed: the next who asks opens it anew, for it may have been plugged in again. */
  dropPort(device: string): void {
    const port = this.#ports.get(device);
    if (port === undefined) return;
    this.#poller.forget(port.fd);
    port.close();
    this.#ports.delete(device);
    this.#tellReaders(device);
  }

  /** Takes the lines whose edges are to come as messages; answers those that cannot be had. */
  forward({ gpio }: HardwareGrants): Absent[] {
    const absent: Absent[] = [];
    for (const grant of gpio) {
      const { edges } = grant;
      if (edges === undefined) continue;
      const label = gpioLabel(grant);
      // Those of the other kind count as lost by nobody: they are not asked for.
      let lost = 0;
      try {
        this.line(grant, wiringOf(grant)).forwardTo((edge) => {
          lost += edge.lost;
          if (edges !== 'both' && edges !== edge.edge) return;
          this.#tell({ app: this.#app, label, edge: edge.edge, atNs: edge.atNs, lost });
          lost = 0;
        });
      } catch (error) {
        const subject = boardNames.gpio(grant);
        absent.push({ subject, message: `The edges of ${subject} cannot be had: ${reason(error)}.` });
      }
    }
    return absent;
  }

  /** Gives back what none of these names. Answers whether something is left. */
  retain(all: readonly HardwareGrants[]): boolean {
    const lines = new Set(all.flatMap(({ gpio }) => gpio.map(boardNames.gpio)));
    const messages = new Set(
      all.flatMap(({ gpio }) => gpio.filter(({ edges }) => edges !== undefined).map(boardNames.gpio)),
    );
    for (const [name, held] of this.#lines) {
      if (!messages.has(name)) held.forwardTo(undefined);
      if (lines.has(name)) continue;
      held.close();
      this.#lines.delete(name);
    }
    // After a rollback the release before has the say again.
    if (all[0] !== undefined) this.forward(all[0]);
    const devices = new Set(all.flatMap(({ serial }) => serial.map(({ device }) => device)));
    for (const device of this.#ports.keys()) if (!devices.has(device)) this.dropPort(device);
    return this.#lines.size + this.#ports.size > 0;
  }

  #tellReaders(device: string): void {
    const readers = this.#readers.get(device);
    this.#readers.delete(device);
    for (const isReady of readers ?? []) isReady();
  }
}
