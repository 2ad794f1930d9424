// The app's icons, drawn here: 16 units square, one stroke width.

import type { ReactNode } from "react";

const PATHS = {
  plans: <path d="M3 3.5h4v3H3zM9 9.5h4v3H9zM5 6.5V11h4" />,
  rooms: <path d="M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z" />,
  inbox: <path d="M2.5 9.5 4.5 3h7l2 6.5v3.5h-11zM2.5 9.5H6l.8 1.5h2.4l.8-1.5h3.5" />,
  memory: (
    <path d="M8 2.5c3 0 5 .9 5 2s-2 2-5 2-5-.9-5-2 2-2 5-2ZM3 4.5v7c0 1.1 2 2 5 2s5-.9 5-2v-7M3 8c0 1.1 2 2 5 2s5-.9 5-2" />
  ),
  stats: <path d="M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6" />,
  settings: (
    <path d="M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.2 2.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4ZM5.8 9.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4Z" />
  ),
  search: <path d="M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.3 10.3l3.2 3.2" />,
  plus: <path d="M8 3v10M3 8h10" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  play: <path d="M5 3.2v9.6L12.5 8z" />,
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  stop: <path d="M4 4h8v8H4z" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2" />,
  right: <path d="m6 3.5 4.5 4.5L6 12.5" />,
  down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  back: <path d="M13 8H3.5M7.5 3.5 3 8l4.5 4.5" />,
  sun: (
    <path d="M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9" />
  ),
  moon: <path d="M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8Z" />,
  help: (
    <path d="M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM6.2 6.3c.1-1 .8-1.6 1.8-1.6 1.1 0 1.8.7 1.8 1.6 0 1.3-1.8 1.4-1.8 2.7M8 11.2v.01" />
  ),
  file: <path d="M4 2h5l3 3v9H4zM9 2v3h3" />,
  download: <path d="M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10" />,
  send: <path d="M2.5 8h10M8.5 3.8 12.7 8l-4.2 4.2" />,
  tool: (
    <path d="M10.8 2.6a3 3 0 0 0-3.7 3.9L2.6 11l2.4 2.4 4.5-4.5a3 3 0 0 0 3.9-3.7L11.5 7 9 4.5z" />
  ),
  thought: (
    <path d="M5.2 11.5a3.2 3.2 0 0 1-.5-6.3 3.6 3.6 0 0 1 6.9.6 2.9 2.9 0 0 1-.5 5.7zM4 14h.01" />
  ),
  fit: <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />,
  minus: <path d="M3 8h10" />,
  link: (
    <path d="M6.5 9.5 9.5 6.5M7 4.5l1.3-1.3a2.8 2.8 0 0 1 4 4L11 8.5M9 11.5l-1.3 1.3a2.8 2.8 0 0 1-4-4L5 7.5" />
  ),
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  idle: <path d="M8 3.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6Z" strokeDasharray="2.2 1.8" />,
  soon: <path d="M8 2.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8ZM8 5.2V8l2 1.4" />,
  active: <path d="M8 2.8A5.2 5.2 0 1 1 2.8 8" strokeWidth="2" />,
  trouble: <path d="M13 6.2A5.3 5.3 0 1 0 13.3 9M13.2 2.8v3.5H9.7" />,
  attention: <path d="M8 1.8 14.2 8 8 14.2 1.8 8zM8 5.2v3.2M8 10.8v.01" />,
  passed: <path d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM5.4 8.2l1.9 1.9 3.4-3.8" />,
  failed: <path d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM6 6l4 4M10 6l-4 4" />,
  cancelled: <path d="M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM4 12l8-8" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

interface Props {
  name: IconName;
  size?: number;
  className?: string;
  /** Said to screen readers; without it the icon is decoration. */
  label?: string;
}

export function Icon({ name, size = 16, className, label }: Props) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={className}
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      {PATHS[name]}
    </svg>
  );
}
