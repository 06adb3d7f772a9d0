/** What stands where data would: nothing yet, loading, or why it could not be had. */
import { Button, Skeleton, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { RequestFailed } from '../api/client.ts';
import { Icon, type IconName } from './icons.tsx';

export function Empty({ title, icon, children }: { title: string; icon?: IconName; children?: ReactNode }) {
  return (
    <Stack align="center" gap={8} py={28} px="md" ta="center">
      {icon && <Icon name={icon} size={24} style={{ color: 'var(--wafer-muted)' }} />}
      <Text fw={600}>{title}</Text>
      {children && (
        <Text component="div" c="dimmed" maw={520} w="100%">
          {children}
        </Text>
      )}
    </Stack>
  );
}

export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const failed = error instanceof RequestFailed ? error : undefined;
  return (
    <Stack align="flex-start" gap={6} p="md" role="alert">
      <span data-tone="bad" style={{ display: 'inline-flex', gap: 8, alignItems: 'center', fontWeight: 600 }}>
        <Icon name="bad" />
        {failed?.title ?? 'This page made a mistake'}
      </span>
      <Text>{failed?.message ?? String(error)}</Text>
      {failed && failed.places.length > 0 && (
        <ul style={{ margin: 0, paddingLeft: 20 }}>
          {failed.places.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {failed && (
        <Text size="xs" c="dimmed">
          Code <code>{failed.code}</code>
        </Text>
      )}
      {onRetry && (
        <Button size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Stack>
  );
}

export function Loading({ rows = 4, height = 20 }: { rows?: number; height?: number }) {
  return (
    <Stack gap="sm" p="md" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} width={`${100 - ((row * 13) % 30)}%`} />
      ))}
    </Stack>
  );
}

interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** Loading, failure or the data; data that was read once stays while it cannot be read again. */
export function Ready<T>({
  query,
  loading = <Loading />,
  children,
}: {
  query: Loaded<T>;
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return loading;
}
