/** Does `work` at once, and if it is asked for again, when `ms` have passed since. */
export function atMostEvery(ms: number, work: () => void): { ask(): void; cancel(): void } {
  let resting: ReturnType<typeof setTimeout> | null = null;
  let asked = false;
  const rested = () => {
    resting = null;
    if (asked) ask();
  };
  const ask = () => {
    asked = resting !== null;
    if (asked) return;
    resting = setTimeout(rested, ms);
    work();
  };
  return {
    ask,
    cancel() {
      if (resting) clearTimeout(resting);
    },
  };
}
