/** The charts of a device; loaded apart from the page, because charts weigh more than all the rest. */
import '@mantine/charts/styles.css';
import { SimpleGrid, Title } from '@mantine/core';
import type { HealthReport } from '@wafer/protocol/messages';
import { useMemo } from 'react';
import { bytes, percent, perSecond } from '../format/quantity.ts';
import { milliseconds } from '../format/time.ts';
import * as series from './series.ts';
import { TimeChart, type Line } from './time-chart.tsx';

const [BLUE, ORANGE, GREEN] = ['var(--chart-1)', 'var(--chart-2)', 'var(--chart-3)'];
const line = (name: string, label: string, color = BLUE ?? '', dash?: string): Line => ({
  name,
  label,
  color,
  ...(dash === undefined ? {} : { dash }),
});

const celsius = (value: number): string => `${Number(value.toFixed(1))} °C`;

interface Props {
  readonly reports: readonly HealthReport[];
  readonly range: readonly [fromMs: number, toMs: number];
}

/** Board-wide figures. */
function BoardCharts({ reports, range }: Props) {
  const last = reports.at(-1);
  const hasTemperature = reports.some(({ temperatureC }) => temperatureC !== undefined);
  const of = (read: Parameters<typeof series.points>[1]) => series.points(reports, read);
  if (last === undefined) return null;
  const { memory, disk } = last;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: hasTemperature ? 3 : 2 }} spacing="xl" verticalSpacing="lg">
      <TimeChart
        title="Processor"
        points={of(series.processor)}
        lines={[line('cpu', 'All cores')]}
        now={percent(last.cpu)}
        format={percent}
        range={range}
        axis={{ base: 'decimal', bottom: 0, top: 1, least: 1 }}
      />
      <TimeChart
        title="Memory"
        points={of(series.memory)}
        lines={[line('used', 'Used')]}
        now={`${bytes(memory.usedBytes)} of ${bytes(memory.totalBytes)}`}
        format={bytes}
        range={range}
        axis={{ base: 'binary', bottom: 0, top: memory.totalBytes, least: 1 }}
      />
      <TimeChart
        title="Disk"
        points={of(series.disk)}
        lines={[line('used', 'Used')]}
        now={`${bytes(disk.usedBytes)} of ${bytes(disk.totalBytes)}`}
        format={bytes}
        range={range}
        axis={{ base: 'binary', bottom: 0, top: disk.totalBytes, least: 1 }}
      />
      <TimeChart
        title="Agent memory"
        points={of(series.agentMemory)}
        lines={[line('agent', 'Resident')]}
        now={bytes(last.agentBytes)}
        format={bytes}
        range={range}
        axis={{ base: 'binary', bottom: 0, least: 2 ** 20 }}
      />
      {hasTemperature && (
        <TimeChart
          title="Temperature"
          points={of(series.temperature)}
          lines={[line('temperature', 'Hottest zone', ORANGE)]}
          now={last.temperatureC === undefined ? 'not measured' : celsius(last.temperatureC)}
          format={celsius}
          range={range}
          axis={{ base: 'decimal', least: 8 }}
        />
      )}
    </SimpleGrid>
  );
}

function AppCharts({ app, reports, range }: Props & { app: string }) {
  const rates = series.points(reports, series.callRate(app));
  const last = reports.at(-1)?.apps.find((each) => each.app === app);
  const lastRate = rates.at(-1);
  return (
    <div>
      <Title order={3} mb={8}>
        {app}
      </Title>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="xl" verticalSpacing="lg">
        <TimeChart
          title="Latency"
          points={series.points(reports, series.latency(app))}
          lines={[line('p50', 'p50'), line('p99', 'p99', ORANGE, '4 3')]}
          now={last?.latencyMs ? `p99 ${milliseconds(last.latencyMs.p99)}` : 'no calls'}
          format={milliseconds}
          range={range}
          axis={{ base: 'decimal', bottom: 0, least: 0.1 }}
        />
        <TimeChart
          title="Calls"
          points={rates}
          lines={[line('calls', 'Calls', GREEN)]}
          now={typeof lastRate?.['calls'] === 'number' ? perSecond(lastRate['calls']) : 'unknown'}
          format={perSecond}
          range={range}
          axis={{ base: 'decimal', bottom: 0, least: 1 }}
        />
        <TimeChart
          title="Faults"
          points={rates}
          lines={[line('faults', 'Faults', ORANGE)]}
          now={typeof lastRate?.['faults'] === 'number' ? perSecond(lastRate['faults']) : 'unknown'}
          format={perSecond}
          range={range}
          axis={{ base: 'decimal', bottom: 0, least: 1 }}
        />
      </SimpleGrid>
    </div>
  );
}

export function HealthCharts({ reports, range }: Props) {
  const apps = useMemo(
    () => [...new Set(reports.flatMap((report) => report.apps.map(({ app }) => app)))].toSorted(),
    [reports],
  );
  return (
    <>
      <BoardCharts reports={reports} range={range} />
      {apps.map((app) => (
        <AppCharts key={app} app={app} reports={reports} range={range} />
      ))}
    </>
  );
}
