// What became of the mails that messages went out with. The server only tells that something changed, and of which
// messages: what there is to be shown is asked for.
import { all, must, one } from "./dom";
import { parsed } from "./trusted";

/** Milliseconds. */
const PAUSE = 150;
const TIMEOUT = 20_000;
const OURS = 'li.message[data-sender="agent"][data-seq]:not([data-internal], [data-seq=""])';

export class Deliveries {
  readonly #url: URL;
  #begun = false;
  #after = Infinity;
  #upto = 0;
  #timer = 0;

  constructor(readonly room: HTMLElement) {
    this.#url = new URL("deliveries", new URL(room.dataset.chatUrl!, location.href));
  }

  /** The connection stands: what changed while there was none nobody has told. A page that is new knows the rest. */
  connected(): void {
    if (this.#begun || one('[data-outcome="waiting"], [data-outcome="deferred"]', this.room)) this.look();
    this.#begun = true;
  }

  /** All that stands here. */
  look(): void {
    const seqs = all(OURS, this.room).map((item) => Number(item.dataset.seq));
    if (seqs.length) this.changed(Math.min(...seqs) - 1, Math.max(...seqs));
  }

  changed(after: number, upto: number): void {
    this.#after = Math.min(this.#after, after);
    this.#upto = Math.max(this.#upto, upto);
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), PAUSE);
  }

  async #ask(): Promise<void> {
    const [after, upto] = [this.#after, this.#upto];
    [this.#after, this.#upto] = [Infinity, 0];
    this.#url.search = String(new URLSearchParams({ after: String(after), upto: String(upto) }));
    // A server may also go away amid its answer.
    const answer = await fetch(this.#url, { signal: AbortSignal.timeout(TIMEOUT) })
      .then((response) => (response.ok ? response.text() : null))
      .catch(() => null);
    if (answer === null) return;
    const found = parsed(answer);
    for (const item of all(OURS, this.room)) {
      const seq = Number(item.dataset.seq);
      if (seq <= after || seq > upto) continue;
      one(".message-mail", item)?.remove();
      const note = one(`[data-of="${seq}"] > .message-mail`, found);
      if (note) must(":scope > div", item).append(note);
    }
    for (const outcome of ["sent", "waiting"]) {
      all(`.message-mail[data-outcome="${outcome}"]`, this.room).slice(0, -1).forEach((note) => note.remove());
    }
  }
}
