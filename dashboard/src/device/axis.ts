/** The value axis of a chart: round figures, few of them, in the base that the unit counts in. */
export interface Axis {
  readonly domain: readonly [number, number];
  readonly ticks: readonly number[];
}

export interface AxisWish {
  /** `binary` for bytes, so that ticks fall on whole MiB and GiB. */
  readonly base: 'decimal' | 'binary';
  /** Fixed ends; an end that is absent follows the data. */
  readonly bottom?: number | undefined;
  readonly top?: number | undefined;
  /** The least that the axis spans when its top follows the data, so that noise is not blown up. */
  readonly least: number;
}

const MOST_STEPS = 4;

/** The smallest round step that divides `span` at most MOST_STEPS times. */
function roundStep(span: number, base: AxisWish['base']): number {
  const raw = span / MOST_STEPS;
  if (base === 'binary') return 2 ** Math.ceil(Math.log2(raw));
  const power = 10 ** Math.floor(Math.log10(raw));
  return ([1, 2, 5].find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10) * power;
}

/** `values` may be empty. */
export function valueAxis(values: readonly number[], { base, bottom, top, least }: AxisWish): Axis {
  const low = bottom ?? Math.min(...values, Number.POSITIVE_INFINITY);
  const start = Number.isFinite(low) ? low : 0;
  const high = top ?? Math.max(start + least, ...values);
  const step = roundStep(high - start, base);
  const from = bottom ?? Math.floor(start / step) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  // a line along the upper edge would read as cut off
  const to = top ?? (values.some((value) => value >= end) ? end + step : end);
  const count = Math.floor((to - from) / step + 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((from + index * step).toPrecision(12)),
  );
  return { domain: [from, to], ticks };
}
