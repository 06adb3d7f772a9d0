/** Health over time, with the choice of how far back. */
import { SegmentedControl, Skeleton, Stack } from '@mantine/core';
import type { DeviceId } from '@wafer/protocol/ids';
import { lazy, Suspense, useState } from 'react';
import { useHealth } from '../api/queries.ts';
import { Empty, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { chartRange } from './series.ts';

const HealthCharts = lazy(async () => ({ default: (await import('./health-charts.tsx')).HealthCharts }));

const RANGES = [
  { value: '15', label: '15 min' },
  { value: '60', label: '1 h' },
  { value: '1440', label: '24 h' },
];

const Waiting = () => <Skeleton height={420} role="status" aria-label="Loading charts" />;

export function HealthSection({ id, enrolled }: { id: DeviceId; enrolled: string }) {
  const [minutes, setMinutes] = useState('15');
  const health = useHealth(id, Number(minutes));
  const toMs = health.dataUpdatedAt;
  return (
    <Section
      title="Health"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Time range"
          value={minutes}
          onChange={setMinutes}
          data={RANGES}
        />
      }
    >
      <Ready query={health} loading={<Waiting />}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No health report in this time" icon="unknown">
              A running agent sends one every 10 seconds. Choose a longer range to see older ones.
            </Empty>
          ) : (
            <Suspense fallback={<Waiting />}>
              <Stack gap="xl">
                <HealthCharts
                  reports={items}
                  range={chartRange(toMs, Number(minutes), Date.parse(enrolled))}
                />
              </Stack>
            </Suspense>
          )
        }
      </Ready>
    </Section>
  );
}
