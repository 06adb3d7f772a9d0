/**
 * wasi:gpio, as protocol/wit/deps/wasi-gpio has it. A pin's wiring is what its grant says, and what the guest's
 * flags say where the grant is silent.
 */
import { gpioLabel } from '@wafer/protocol/board-names';
import { grantName } from '@wafer/protocol/grant-names';
import type { GpioGrant } from '@wafer/protocol';
import { WitError } from '../host.ts';
import { io, Pollable } from '../io.ts';
import type { LineConfig } from './gpio.ts';
import { shown, type BoardHost } from './board-host.ts';
import type { Awaited, Reply, Request } from './port.ts';

type GpioError =
  | {
      tag:
        | 'hardware-fault'
        | 'already-in-use'
        | 'pin-not-allowed'
        | 'pin-mode-not-allowed'
        | 'undefined-pin-label'
        | 'pin-mode-not-available'
        | 'invalid-flag'
        | 'resource-invalidated';
    }
  | { tag: 'other'; val: string };

type PinState = 'active' | 'inactive';

const FLAGS = [
  'input',
  'output',
  'activeHigh',
  'activeLow',
  'pullUp',
  'pullDown',
  'active',
  'inactive',
] as const;
type Flag = (typeof FLAGS)[number];

const failure = (error: GpioError, detail?: string): WitError<GpioError> => new WitError(error, detail);

/** What the kernel answers, in the draft's words. */
function gpioError({ code, message }: Reply & { status: 'error' }): GpioError {
  switch (code) {
    case 'EBUSY':
      return { tag: 'already-in-use' };
    case 'ENOENT':
    case 'EINVAL':
      return { tag: 'undefined-pin-label' };
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'ENXIO':
      return { tag: 'pin-mode-not-available' };
    case 'ENODEV':
    case 'EBADF':
      return { tag: 'resource-invalidated' };
    case 'EIO':
    case 'ETIMEDOUT':
    case 'EREMOTEIO':
      return { tag: 'hardware-fault' };
    default:
      return { tag: 'other', val: message };
  }
}

interface Pin {
  readonly grant: GpioGrant;
  readonly config: LineConfig;
}

function configOf(grant: GpioGrant, list: readonly Partial<Record<Flag, boolean>>[]): LineConfig {
  const has = (flag: Flag): boolean => list.some((each) => each[flag] === true);
  const contradicts = (a: Flag, b: Flag): boolean => has(a) && has(b);
  const isIn = grant.direction === 'in';
  const isWrong =
    contradicts('activeHigh', 'activeLow') ||
    contradicts('pullUp', 'pullDown') ||
    contradicts('active', 'inactive') ||
    (isIn
      ? has('output') || has('active') || has('inactive')
      : has('input') || has('pullUp') || has('pullDown'));
  if (isWrong) throw failure({ tag: 'invalid-flag' });
  const pulled = has('pullUp') ? 'pull-up' : has('pullDown') ? 'pull-down' : undefined;
  return {
    direction: grant.direction,
    activeLow: grant.activeLow ?? has('activeLow'),
    bias: grant.bias ?? pulled,
    debounceMs: grant.debounceMs ?? 0,
  };
}

/** Asks for a line, and takes the answer for what the WIT calls it. */
function asking({ host, line, deny, take, give }: BoardHost) {
  const grants = host.grants.gpio ?? [];
  const ask = (pin: Pin, request: Request): Reply => {
    host.used(grantName.gpio(pin.grant));
    const reply = line.ask(request);
    if (reply.status === 'error') {
      const error = gpioError(reply);
      throw failure(error, error.tag === 'other' ? undefined : reply.message);
    }
    return reply;
  };
  const stateOf = (reply: Reply): boolean => reply.status === 'state' && reply.isActive;
  return {
    open(label: string, flags: readonly Partial<Record<Flag, boolean>>[], direction: 'in' | 'out'): Pin {
      const grant = grants.find((each) => gpioLabel(each) === label);
      if (grant === undefined) {
        deny(`gpio ${shown(label)}`, `The guest asked for the pin ${shown(label)}, which no grant names.`);
        throw failure({ tag: 'pin-not-allowed' });
      }
      if (grant.direction !== direction) {
        const name = grantName.gpio(grant);
        deny(
          `${name} (${direction})`,
          `The guest asked for ${name} as a pin ${direction}; it was granted ${grant.direction}.`,
        );
        throw failure({ tag: 'pin-mode-not-allowed' });
      }
      const config = configOf(grant, flags);
      const isActive = flags.some(({ active }) => active === true)
        ? true
        : flags.some(({ inactive }) => inactive === true)
          ? false
          : undefined;
      const pin = { grant, config };
      ask(pin, { ask: 'take', at: grant, config, isActive });
      take();
      return pin;
    },
    get: (pin: Pin): boolean => stateOf(ask(pin, { ask: 'get', at: pin.grant, config: pin.config })),
    set: (pin: Pin, isActive: boolean): void =>
      void ask(pin, { ask: 'set', at: pin.grant, config: pin.config, isActive }),
    watch(pin: Pin, on: Awaited): GpioPollable {
      const reply = ask(pin, { ask: 'watch', at: pin.grant, config: pin.config, on });
      if (reply.status !== 'watching') throw new Error(`a watch was answered ${reply.status}`);
      take();
      const { watch, isReady } = reply;
      const inner = isReady ? new Pollable() : line.pollable(watch);
      return new GpioPollable(inner, () => {
        if (!isReady) line.forget(watch);
        give();
      });
    },
    give,
  };
}

/** Of this draft's own `poll`, which stands in for wasi:io's. */
class GpioPollable {
  readonly inner: Pollable;
  readonly #drop: () => void;

  constructor(inner: Pollable, drop: () => void) {
    this.inner = inner;
    this.#drop = drop;
  }

  [Symbol.dispose](): void {
    this.#drop();
  }

  ready(): boolean {
    return this.inner.ready();
  }

  block(): void {
    this.inner.block();
  }
}

const poll = (list: readonly GpioPollable[]): Uint32Array =>
  io['wasi:io/poll'].poll(list.map(({ inner }) => inner));

/** The classes are made anew for each guest, since a resource is opened by a static function. */
export function createGpio(board: BoardHost): Record<string, object> {
  const lines = asking(board);

  class AnyPin {
    protected readonly pin: Pin;

    constructor(pin: Pin) {
      this.pin = pin;
    }

    [Symbol.dispose](): void {
      lines.give();
    }

    getConfig(): object {
      const { direction, activeLow, bias } = this.pin.config;
      return {
        label: gpioLabel(this.pin.grant),
        pinMode: direction,
        activeLevel: activeLow ? 'active-low' : 'active-high',
        pullResistor: bias === 'none' ? undefined : bias,
      };
    }

    isReady(): boolean {
      return true;
    }
  }

  class DigitalInPin extends AnyPin {
    static get(label: string, flags: readonly Partial<Record<Flag, boolean>>[]): DigitalInPin {
      return new DigitalInPin(lines.open(label, flags, 'in'));
    }

    read(): PinState {
      return lines.get(this.pin) ? 'active' : 'inactive';
    }

    isActive(): boolean {
      return lines.get(this.pin);
    }

    isInactive(): boolean {
      return !lines.get(this.pin);
    }

    watchState(state: PinState): GpioPollable {
      return lines.watch(this.pin, state);
    }

    watchActive(): GpioPollable {
      return lines.watch(this.pin, 'active');
    }

    watchInactive(): GpioPollable {
      return lines.watch(this.pin, 'inactive');
    }

    watchRisingEdge(): GpioPollable {
      return lines.watch(this.pin, 'rising');
    }

    watchFallingEdge(): GpioPollable {
      return lines.watch(this.pin, 'falling');
    }
  }

  class AnyOutPin extends AnyPin {
    setState(state: PinState): void {
      lines.set(this.pin, state === 'active');
    }

    setActive(): void {
      lines.set(this.pin, true);
    }

    setInactive(): void {
      lines.set(this.pin, false);
    }
  }

  class DigitalOutPin extends AnyOutPin {
    static get(label: string, flags: readonly Partial<Record<Flag, boolean>>[]): DigitalOutPin {
      return new DigitalOutPin(lines.open(label, flags, 'out'));
    }
  }

  class StatefulDigitalOutPin extends AnyOutPin {
    static get(label: string, flags: readonly Partial<Record<Flag, boolean>>[]): StatefulDigitalOutPin {
      return new StatefulDigitalOutPin(lines.open(label, flags, 'out'));
    }

    getState(): PinState {
      return lines.get(this.pin) ? 'active' : 'inactive';
    }

    isSetActive(): boolean {
      return lines.get(this.pin);
    }

    isSetInactive(): boolean {
      return !lines.get(this.pin);
    }

    toggle(): void {
      lines.set(this.pin, !lines.get(this.pin));
    }
  }

  return {
    'wasi:gpio/general': {},
    'wasi:gpio/poll': { Pollable: GpioPollable, poll },
    'wasi:gpio/digital': { DigitalInPin, DigitalOutPin, StatefulDigitalOutPin },
  };
}
