/** The page's own icons: strokes on a grid of 16. They are decoration; the words beside them speak. */
import type { CSSProperties } from 'react';

const PATHS = {
  ok: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M5.2 8.2l2 2 3.6-4.2',
  bad: 'M8 2.2 14.6 13.6H1.4ZM8 6.4v3.2M8 11.6v.1',
  warn: 'M3 5.5h6.5a3.75 3.75 0 0 1 0 7.5H6M3 5.5 5.8 2.7M3 5.5l2.8 2.8',
  off: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M4.9 8h6.2',
  unknown:
    'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M6.2 6.4a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2M8 11.3v.1',
  busy: 'M8 1.75a6.25 6.25 0 1 0 6.25 6.25',
  wait: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M8 4.6V8l2.3 1.6',
  stop: 'M3.5 3.5h9v9h-9Z',
  fleet:
    'M8 1.5 10.6 3v3L8 7.5 5.4 6V3ZM4.4 8.2 7 9.7v3l-2.6 1.5-2.6-1.5v-3ZM11.6 8.2l2.6 1.5v3l-2.6 1.5L9 12.7v-3Z',
  release: 'M8 1.6 13.8 4.8v6.4L8 14.4 2.2 11.2V4.8ZM2.4 4.9 8 8l5.6-3.1M8 8v6.2',
  channel:
    'M3 3.5h4.2c1.5 0 2.3 1 2.3 2.2v4.6c0 1.2.8 2.2 2.3 2.2H13M3 12.5h3.2M3 8h4M11.2 10.7 13 12.5l-1.8 1.8',
  group: 'M8 2.2a5.8 5.8 0 1 0 0 11.6a5.8 5.8 0 0 0 0-11.6M5.8 6.9v.1M10.2 6.9v.1M8 10.2v.1',
  audit: 'M3.5 1.8h6.2L12.5 4.6v9.6h-9ZM6 6.5h4M6 9h4M6 11.5h2.5',
  search: 'M7 2.2a4.8 4.8 0 1 0 0 9.6a4.8 4.8 0 0 0 0-9.6M10.6 10.6 14 14',
  copy: 'M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3',
  done: 'M3 8.5l3.2 3.2L13 4.6',
  key: 'M5.2 5.4a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 0 0 0-5.2M7.8 8H14M11.6 8v2.4',
  lock: 'M3.5 7h9v6.8h-9ZM5.2 7V5a2.8 2.8 0 0 1 5.6 0v2M8 9.8v1.4',
  person: 'M8 2.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 0 0 0-5.6M2.8 14c.4-2.8 2.5-4.2 5.2-4.2s4.8 1.4 5.2 4.2',
  leave: 'M9.5 2.5h-6v11h6M7 8h7M11.5 5.3 14.2 8l-2.7 2.7',
  online:
    'M3.2 11.4a6.8 6.8 0 0 1 0-6.8M5.4 9.8a3.6 3.6 0 0 1 0-3.6M12.8 11.4a6.8 6.8 0 0 0 0-6.8M10.6 9.8a3.6 3.6 0 0 0 0-3.6M8 7.9v.2',
  offline: 'M3.2 11.4a6.8 6.8 0 0 1 0-6.8M12.8 11.4a6.8 6.8 0 0 0 0-6.8M2 14 14 2',
  desired: 'M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 0 0 0-12.5M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6M8 8v.1',
  enrolled: 'M8 1.6 13.8 4.8v6.4L8 14.4 2.2 11.2V4.8ZM8 5.4v5.2M5.4 8h5.2',
  board:
    'M4.5 4.5h7v7h-7ZM6.3 4.5V2M9.7 4.5V2M6.3 14v-2.5M9.7 14v-2.5M4.5 6.3H2M4.5 9.7H2M14 6.3h-2.5M14 9.7h-2.5',
  apps: 'M2.5 2.5h4.2v4.2H2.5ZM9.3 2.5h4.2v4.2H9.3ZM2.5 9.3h4.2v4.2H2.5ZM9.3 9.3h4.2v4.2H9.3Z',
  next: 'M6 3.5 10.5 8 6 12.5',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  rollout: 'M3 13.5V11M8 13.5V7.5M13 13.5V2.5',
  draft: 'M2.8 13.2l.7-2.9 7.6-7.6 2.2 2.2-7.6 7.6ZM9.4 4.4l2.2 2.2',
  pause: 'M5.5 3v10M10.5 3v10',
  add: 'M8 3v10M3 8h10',
  remove: 'M4 4l8 8M12 4l-8 8',
} as const;

export type IconName = keyof typeof PATHS;

interface Props {
  readonly name: IconName;
  readonly size?: number;
  readonly className?: string | undefined;
  readonly style?: CSSProperties | undefined;
}

export function Icon({ name, size = 16, className, style }: Props) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      className={className}
      style={{ flex: 'none', ...style }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden style={{ flex: 'none' }}>
      <path d="M16 2.5 27.7 9.25v13.5L16 29.5 4.3 22.75V9.25Z" fill="#3b5bdb" />
      <path
        d="m9 12.2 3 8.3 4-8.3 4 8.3 3-8.3"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
