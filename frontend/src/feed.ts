// Keeps one room's messages gapless: applies exactly the next one, asks again from the last at a gap. When
// what it has is no longer what the server has, it takes the newest page instead.
import type { Message, Place } from "./frames";
import type { Api, Page } from "./api";

const PATIENCE = 10_000;
/** Pages that are read to find again what a person said here before. */
const PAGES_BACK = 10;

export interface Sink {
  /** The next message of the room. */
  add(message: Message): void;
  /** One that may stand here already, as pending or confirmed; never adds. */
  reconcile(message: Message): void;
  /** Whether this very message stands here as confirmed. */
  stands(message: Message): boolean;
  /** The number of the oldest confirmed message of one's own that stands here; Infinity without one. */
  oldestOwn(): number;
  /** These, instead of everything confirmed that stands here. `lost`: what is not among them is gone. */
  replace(messages: Message[], more: boolean, lost: boolean): void;
}

export class Feed {
  #asked = 0;
  #later = 0;
  #reloading = false;
  #polling = false;

  constructor(
    public place: Place,
    readonly subscribe: (place: Place) => boolean,
    readonly api: Api,
    readonly sink: Sink,
  ) {}

  get last(): number {
    return this.place.after;
  }

  /** A new connection knows nothing of us: say where we are. */
  begin(): void {
    this.#asked = 0;
    this.ask();
  }

  subscribed(epoch: string): void {
    this.#asked = 0;
    this.place.epoch ||= epoch;
  }

  message(message: Message): void {
    if (this.#reloading) return;
    if (message.seq <= this.last) this.sink.reconcile(message);
    else if (message.seq === this.last + 1) {
      this.#reached(message);
      this.sink.add(message);
    } else this.ask();
  }

  /** The answer to a POST: in order when it is the next one, else already sure of its place. */
  confirmed(message: Message): void {
    if (message.seq === this.last + 1 && !this.#reloading) return this.message(message);
    const known = message.seq > this.last || this.sink.stands(message);
    this.sink.reconcile(message);
    // Another message had this number: the past that stands here is no longer there.
    if (!known) return this.ask();
    window.setTimeout(() => this.head(message.seq), 1_500);
  }

  head(seq: number): void {
    if (seq > this.last) this.ask();
  }

  /** One question at a time, and at most one a second, whatever the gaps are. */
  ask(): void {
    const now = performance.now();
    if (this.#reloading || (this.#asked && now - this.#asked < PATIENCE)) return;
    clearTimeout(this.#later);
    if (this.subscribe(this.place)) this.#asked = now;
  }

  /** The newest page replaces what is here: too much is missing, or (`lost`) it is no longer so. */
  async reload(lost: boolean): Promise<void> {
    this.#asked = 0;
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      await this.#take(await this.api.newest(), lost);
    } catch {
      this.#later = window.setTimeout(() => this.ask(), 3_000);
      return;
    } finally {
      this.#reloading = false;
    }
    this.ask();
  }

  async #take(page: Page, lost: boolean): Promise<void> {
    const { messages, more } = lost ? await this.#backTo(this.sink.oldestOwn(), page) : page;
    this.place = { after: 0, epoch: page.epoch };
    const newest = messages.at(-1);
    if (newest) this.#reached(newest);
    this.sink.replace(messages, more, lost);
  }

  async #backTo(seq: number, page: Page): Promise<Page> {
    let { messages, more } = page;
    for (let pages = 1; more && pages < PAGES_BACK && messages[0] && messages[0].seq > seq; pages++) {
      const older = await this.api.before(messages[0].seq);
      if (older.epoch !== page.epoch) throw new Error("history changed once more");
      messages = [...older.messages, ...messages];
      more = older.more;
    }
    return { ...page, messages, more };
  }

  #reached(message: Message): void {
    this.place = { ...this.place, after: message.seq, message_id: message.message_id };
  }

  /** For networks that let no WebSocket through: the same messages over plain requests. */
  async poll(): Promise<void> {
    if (this.#polling || this.#reloading) return;
    this.#polling = true;
    try {
      for (let more = true, from = -1; more && from < this.last; ) {
        from = this.last;
        const page = await this.api.after(this.place);
        if (page.reset) return await this.reload(true);
        page.messages.forEach((message) => this.message(message));
        more = page.more;
      }
    } catch {
      // The next attempt to connect polls again.
    } finally {
      this.#polling = false;
    }
  }
}
