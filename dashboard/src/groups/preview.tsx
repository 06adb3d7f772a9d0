/** Who fits a query that is not saved, beside the field in which it is typed. */
import { Loader, Text } from '@mantine/core';
import { Failure } from '../elements/notice.tsx';
import { counted, grouped } from '../format/quantity.ts';
import { MemberList } from './member-list.tsx';
import { usePreview } from './queries.ts';
import classes from './groups.module.css';

export function Preview({ query }: { query: string | null }) {
  const preview = usePreview(query);
  if (preview.error) return <Failure error={preview.error} />;
  if (preview.data === undefined)
    return (
      <Text size="sm" c="dimmed" className={classes['previewEmpty'] ?? ''}>
        Who fits is shown here while you type.
      </Text>
    );
  const { devices, architectures, first } = preview.data;
  const isOld = query === null || preview.isPlaceholderData;
  return (
    <section className={classes['preview']} aria-label="Who fits" data-old={isOld || undefined}>
      <p className={classes['previewHead']} aria-live="polite" data-testid="preview-count">
        <b>{counted(devices, 'device')}</b>
        {Object.entries(architectures)
          .toSorted(([, a], [, b]) => b - a)
          .map(([architecture, count]) => (
            <span key={architecture}>
              {grouped(count)} {architecture}
            </span>
          ))}
        {preview.isFetching && <Loader size={12} />}
      </p>
      <MemberList members={first} />
      {devices > first.length && (
        <Text size="sm" c="dimmed" p="xs">
          and {grouped(devices - first.length)} more
        </Text>
      )}
    </section>
  );
}
