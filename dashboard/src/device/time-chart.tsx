/** One small chart over time: straight lines, real gaps, units on the axis, all charts share one cursor. */
import { LineChart, type LineChartProps } from '@mantine/charts';
import { Text } from '@mantine/core';
import { clockSeconds, clockTime } from '../format/time.ts';
import { valueAxis, type Axis, type AxisWish } from './axis.ts';
import { isAlone, timeTicks, type Point } from './series.ts';
import classes from './time-chart.module.css';

export interface Line {
  readonly name: string;
  readonly label: string;
  readonly color: string;
  readonly dash?: string;
}

interface Props {
  readonly title: string;
  readonly points: readonly Point[];
  readonly lines: readonly Line[];
  /** The value now, beside the title. */
  readonly now: string;
  readonly format: (value: number) => string;
  readonly range: readonly [fromMs: number, toMs: number];
  readonly axis: AxisWish;
}

interface DotProps {
  readonly cx?: number | undefined;
  readonly cy?: number | undefined;
  readonly index?: number | undefined;
}

/** `10:24:30` for the tooltip, from whatever recharts hands over as the label. */
const tooltipTime = (label: unknown): string => (typeof label === 'number' ? clockSeconds(label) : '');

/** What all charts share: straight lines that break at gaps, no decoration, one cursor. */
const LOOK = {
  curveType: 'linear',
  connectNulls: false,
  withDots: false,
  strokeWidth: 1.5,
  strokeDasharray: '0',
  gridColor: 'var(--wafer-line)',
  textColor: 'var(--wafer-muted)',
  tickLine: 'none',
  tooltipAnimationDuration: 0,
  tooltipProps: { labelFormatter: tooltipTime, offset: 16 },
  lineChartProps: { syncId: 'health', syncMethod: 'value', margin: { top: 6, right: 4, bottom: 0 } },
  classNames: {
    tooltip: classes['tooltip'] ?? '',
    tooltipLabel: classes['tooltipLabel'] ?? '',
    tooltipItem: classes['tooltipItem'] ?? '',
    tooltipBody: classes['tooltipBody'] ?? '',
  },
} as const satisfies Partial<LineChartProps>;

/** Draws a dot only where a value stands alone. */
function aloneDot(points: readonly Point[], line: Line) {
  return function AloneDot({ cx, cy, index }: DotProps) {
    const isShown = index !== undefined && isAlone(points, index, line.name) && cy !== undefined;
    return <circle key={index} cx={cx} cy={cy} r={isShown ? 2 : 0} fill={line.color} />;
  };
}

const Key = ({ line: { color, dash, label } }: { line: Line }) => (
  <span className={classes['key']}>
    <svg width="14" height="6" aria-hidden>
      <path d="M0 3h14" stroke={color} strokeWidth="2" strokeDasharray={dash} />
    </svg>
    {label}
  </span>
);

type PlotProps = Omit<Props, 'title' | 'now' | 'axis'> & { axis: Axis };

function Plot({ points, lines, format, range, axis }: PlotProps) {
  const [from, to] = range;
  return (
    <LineChart
      h={132}
      data={[...points]}
      dataKey="at"
      series={lines.map(({ name, label, color, dash }) => ({
        name,
        label,
        color,
        ...(dash ? { strokeDasharray: dash } : {}),
      }))}
      lineProps={(series) => {
        const line = lines.find(({ name }) => name === series.name);
        return line
          ? { dot: aloneDot(points, line), activeDot: { r: 3, strokeWidth: 0, fill: line.color } }
          : {};
      }}
      xAxisProps={{
        type: 'number',
        scale: 'time',
        domain: [from, to],
        ticks: timeTicks(from, to),
        tickFormatter: clockTime,
        allowDataOverflow: true,
        minTickGap: 24,
      }}
      yAxisProps={{
        domain: [...axis.domain],
        ticks: [...axis.ticks],
        interval: 0,
        width: 62,
        allowDataOverflow: true,
      }}
      valueFormatter={format}
      {...LOOK}
    />
  );
}

export function TimeChart({ title, lines, now, axis, ...plot }: Props) {
  const values = plot.points
    .flatMap((point) => lines.map(({ name }) => point[name] ?? null))
    .filter((value) => value !== null);
  return (
    <figure className={classes['chart']} aria-label={`${title}: now ${now}`}>
      <figcaption className={classes['head']}>
        <span className={classes['title']}>{title}</span>
        {lines.length > 1 && lines.map((line) => <Key key={line.name} line={line} />)}
        <span className={classes['now']}>{now}</span>
      </figcaption>
      {values.length === 0 ? (
        <Text className={classes['empty'] ?? ''} size="sm" c="dimmed">
          Nothing was measured in this time
        </Text>
      ) : (
        <Plot lines={lines} axis={valueAxis(values, axis)} {...plot} />
      )}
    </figure>
  );
}
