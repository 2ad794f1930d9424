// Where a tab stands in the stream, and whether it missed something. The server numbers its events
// `<boot>-<n>` without gaps, and says with each snapshot which event it is sure to include.

/** Whether whoever knows all up to `known` knows the event `id`. Two boots cannot be compared. */
function covers(known: string, id: string): boolean {
  return boot(known) === boot(id) && number(known) >= number(id);
}

const boot = (id: string): string => id.slice(0, id.lastIndexOf("-"));
const number = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1));

export class Place {
  /** The last event that was heard; empty before the first. */
  last = "";
  /** All events behind it were heard. */
  private from = "";
  /** What the oldest snapshot includes of those that came before the stream. */
  private oldest = "";

  /** The stream goes on behind `id`; whether something before that is missing. */
  joins(id: string): boolean {
    if (this.last && covers(this.last, id)) return false;
    const known = this.last || this.oldest;
    this.starts(id);
    return known !== "" && !covers(known, id);
  }

  /** The stream goes on behind `id`, and all that was known is to be read again. */
  starts(id: string): void {
    this.last = id;
    this.from = id;
  }

  /** An event was heard: whether it is news, and whether one is missing before it. */
  hears(id: string): { fresh: boolean; missed: boolean } {
    if (this.last && covers(this.last, id)) return { fresh: false, missed: false };
    const isNext = boot(this.last) === boot(id) && number(this.last) + 1 === number(id);
    if (!isNext) return { fresh: true, missed: this.joins(id) };
    this.last = id;
    return { fresh: true, missed: false };
  }

  /** A snapshot arrived that includes what was told up to `id`; whether something is missing in it
   * that will not be heard any more. */
  reads(id: string): boolean {
    if (this.from) return boot(id) === boot(this.from) && !covers(id, this.from);
    if (!this.oldest || covers(this.oldest, id)) this.oldest = id;
    return false;
  }
}
