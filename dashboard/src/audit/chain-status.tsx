/** Whether the record still is what was written, and since when that is known. */
import { Button, Group, Text } from '@mantine/core';
import type { AuditVerification } from '@wafer/protocol/api';
import { ShortHex } from '../elements/copy.tsx';
import { Failure } from '../elements/notice.tsx';
import { Status } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { counted } from '../format/quantity.ts';
import classes from './audit.module.css';
import { useAuditVerification } from './queries.ts';

const WHOLE = { tone: 'ok', icon: 'ok', word: 'The chain holds' } as const;
const BROKEN = { tone: 'bad', icon: 'bad', word: 'The chain is broken' } as const;
const CHECKING = { tone: 'busy', icon: 'busy', word: 'Following the chain…' } as const;

function Finding({ found }: { found: AuditVerification }) {
  if (found.broken !== null)
    return (
      <span role="alert">
        <Status look={BROKEN} />
        <Text size="sm" mt={2}>
          At event {found.broken.seq}: {found.broken.reason}. What is below it can be trusted, what is from
          there on cannot. Compare with a copy, and with what <code>wafer audit verify</code> noted elsewhere.
        </Text>
      </span>
    );
  return (
    <span className={classes['finding']}>
      <Status look={WHOLE} />
      <Text span size="sm" c="dimmed">
        {counted(found.head.seq, 'event')}, each hashed with the one before, verified <When at={found.at} />
      </Text>
      {found.head.seq > 0 && (
        <Text span size="sm" c="dimmed" className={classes['head'] ?? ''}>
          head <ShortHex value={`${found.head.seq}:${found.head.hash}`} label="head" />
        </Text>
      )}
    </span>
  );
}

export function ChainStatus() {
  const query = useAuditVerification();
  if (query.error && !query.data) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <Group className={classes['chain'] ?? ''} justify="space-between" gap="sm" data-testid="audit-chain">
      {query.data ? <Finding found={query.data} /> : <Status look={CHECKING} />}
      <Button variant="default" size="xs" loading={query.isFetching} onClick={() => void query.refetch()}>
        Verify again
      </Button>
    </Group>
  );
}
