// A file of lines that only grows, read from its end: what is asked for is all that comes behind a
// byte. A line that begins before that byte is not given.

export interface Lines<T> {
  items: T[];
  /** The byte behind the last line. */
  next_cursor: number;
  /** Whether there is more at this moment. */
  more: boolean;
}

/** Lines that follow one another, with the byte from which they were read: 0 is the beginning. */
export interface Stretch<T> extends Lines<T> {
  from: number;
}

/** What is read at once, going back. */
const LENGTH = 128 * 1024;

type Read<T> = (after: number) => Promise<Lines<T>>;

/** What follows, now or later. */
export async function following<T>(read: Read<T>, from: number): Promise<Stretch<T>> {
  return { ...(await read(from)), from };
}

/**
 * The lines before the byte `at` whose `seq`, the byte behind them, is below `until`: as many as
 * are found not far before, and at least one if there is any.
 */
export async function preceding<T extends { seq: number }>(
  read: Read<T>,
  at: number,
  until: number,
): Promise<Stretch<T>> {
  let from = at;
  for (let length = LENGTH; ; length *= 2) {
    from = Math.max(0, from - length);
    const items: T[] = [];
    let next_cursor = from;
    let more = true;
    while (more && next_cursor < until) {
      const lines = await read(next_cursor);
      items.push(...lines.items.filter(({ seq }) => seq < until));
      ({ next_cursor, more } = lines);
    }
    if (items.length > 0 || from === 0) {
      return { items, from, next_cursor: items.at(-1)?.seq ?? 0, more };
    }
  }
}
