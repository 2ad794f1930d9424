// Figures as people read them. What is unknown is said, never shown as zero.

export const UNKNOWN = "–";

/** `45 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const all = Math.max(0, Math.floor(seconds));
  if (all < 60) return `${all} s`;
  const minutes = Math.floor(all / 60);
  if (minutes < 60) {
    const rest = all % 60;
    return rest && minutes < 10 ? `${minutes} min ${rest} s` : `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `950`, `12.3k`, `1.20M`. */
export function compact(count: number | null | undefined): string {
  if (count === null || count === undefined) return UNKNOWN;
  if (count < 1_000) return String(count);
  if (count < 99_950) return `${(count / 1_000).toFixed(1)}k`;
  if (count < 999_500) return `${Math.round(count / 1_000)}k`;
  return `${(count / 1_000_000).toFixed(2)}M`;
}

/** US dollars; small sums keep the digits that matter. */
export const dollars = (amount: number): string =>
  amount > 0 && amount < 0.1 ? `$${amount.toFixed(4)}` : `$${amount.toFixed(2)}`;

export const NOT_REPORTED = "not reported";

/** What sessions cost; null if none said so. */
export const cost = (usd: number | null): string | null => (usd === null ? null : dollars(usd));

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KiB`;
  return `${(size / 1024 / 1024).toFixed(1)} MiB`;
}

const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export const clock = (ts: string): string => TIME.format(new Date(ts));
export const day = (ts: string): string => DAY.format(new Date(ts));
export const full = (ts: string): string => FULL.format(new Date(ts));

/** `just now`, `12 min ago`, `in 3 h`. */
export function relative(ts: string, now: number): string {
  const seconds = Math.round((now - Date.parse(ts)) / 1000);
  const span = Math.abs(seconds);
  if (span < 5) return seconds >= 0 ? "just now" : "in a moment";
  const words =
    span < 60
      ? `${span} s`
      : span < 3_600
        ? `${Math.floor(span / 60)} min`
        : span < 86_400
          ? `${Math.floor(span / 3_600)} h`
          : `${Math.floor(span / 86_400)} d`;
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

/** `1 room`, `3 rooms`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `waiting-for-person` as words. */
export const words = (name: string): string => name.replace(/[-_]/g, " ");
