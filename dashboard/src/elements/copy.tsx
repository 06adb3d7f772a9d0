/** A value in short, with a button that copies the whole. */
import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { shortHex } from '../format/quantity.ts';
import { Icon } from './icons.tsx';

export function CopyValue({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${label}`} withArrow openDelay={300}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={20}
            aria-label={copied ? `${label} copied` : `Copy ${label}`}
            onClick={copy}
          >
            <Icon name={copied ? 'done' : 'copy'} size={13} />
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

export function ShortHex({ value, label }: { value: string; label: string }) {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 4, whiteSpace: 'nowrap' }}>
      <code title={value}>{shortHex(value)}</code>
      <CopyValue value={value} label={label} />
    </span>
  );
}

/** A command to type, whole, with a copy button. */
export function Command({ children }: { children: string }) {
  return (
    <span
      style={{
        display: 'flex',
        alignItems: 'center',
        gap: 8,
        padding: '8px 8px 8px 12px',
        borderRadius: 8,
        background: 'var(--wafer-sunken)',
        border: '1px solid var(--wafer-line)',
        textAlign: 'left',
      }}
    >
      <code style={{ flex: 1, overflowWrap: 'anywhere' }}>{children}</code>
      <CopyValue value={children} label="the command" />
    </span>
  );
}
