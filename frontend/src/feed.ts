// Keeps one room's messages gapless: applies exactly the next one, asks again from the last at a gap.
import type { Message } from "./frames";
import type { Api } from "./api";

const PATIENCE = 10_000;

export interface Sink {
  /** The next message of the room. */
  add(message: Message): void;
  /** One that may stand here already, as pending or confirmed; never adds. */
  reconcile(message: Message): void;
  /** The newest page, instead of everything confirmed that stands here. */
  replace(messages: Message[], more: boolean): void;
}

export class Feed {
  #asked = 0;
  #later = 0;
  #reloading = false;
  #polling = false;

  constructor(
    public last: number,
    readonly subscribe: (after: number) => boolean,
    readonly api: Api,
    readonly sink: Sink,
  ) {}

  /** A new connection knows nothing of us: say where we are. */
  begin(): void {
    this.#asked = 0;
    this.ask();
  }

  subscribed(): void {
    this.#asked = 0;
  }

  message(message: Message): void {
    if (this.#reloading) return;
    if (message.seq <= this.last) this.sink.reconcile(message);
    else if (message.seq === this.last + 1) {
      this.last = message.seq;
      this.sink.add(message);
    } else this.ask();
  }

  /** The answer to a POST: in order when it is the next one, else already sure of its place. */
  confirmed(message: Message): void {
    if (message.seq === this.last + 1 && !this.#reloading) return this.message(message);
    this.sink.reconcile(message);
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
    if (this.subscribe(this.last)) this.#asked = now;
  }

  /** Too far behind to catch up: the newest page replaces what is here. */
  async reload(head: number): Promise<void> {
    this.#asked = 0;
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      const page = await this.api.before(head + 1);
      this.last = page.messages.at(-1)?.seq ?? 0;
      this.sink.replace(page.messages, page.more);
    } catch {
      this.#later = window.setTimeout(() => this.ask(), 3_000);
      return;
    } finally {
      this.#reloading = false;
    }
    this.ask();
  }

  /** For networks that let no WebSocket through: the same messages over plain requests. */
  async poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      for (let more = true, from = -1; more && from < this.last; ) {
        from = this.last;
        const page = await this.api.after(this.last);
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
