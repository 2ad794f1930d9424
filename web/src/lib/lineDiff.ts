// The lines that differ between two texts, for the changes to files in a transcript.

/** A unified diff without context numbers; the longest common subsequence decides. */
export function lineDiff(before: string, after: string): string {
  const a = before ? before.split("\n") : [];
  const b = after ? after.split("\n") : [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end += 1;
  }
  const olds = a.slice(start, a.length - end);
  const news = b.slice(start, b.length - end);
  const context = 3;
  const head = a.slice(Math.max(0, start - context), start).map((line) => ` ${line}`);
  const tail = a.slice(a.length - end, a.length - end + context).map((line) => ` ${line}`);
  // The table grows with the product: very long changes are shown as a whole.
  const middle =
    olds.length * news.length > 250_000
      ? [...olds.map((line) => `-${line}`), ...news.map((line) => `+${line}`)]
      : walk(olds, news);
  return [...head, ...middle, ...tail].join("\n");
}

function walk(a: string[], b: string[]): string[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(` ${a[i]}`);
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`-${a[i]}`);
      i += 1;
    } else {
      lines.push(`+${b[j]}`);
      j += 1;
    }
  }
  return lines;
}
