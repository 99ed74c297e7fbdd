// Where the reader is in the log. It is laid out from its end: scrollTop is 0 there, negative above.
import { must, one } from "./dom";

const AT_END = 48;

export class Reading {
  readonly log: HTMLElement;
  readonly #toEnd: HTMLElement;
  #atEnd = true;

  constructor(room: HTMLElement, moved: () => void) {
    this.log = must("[data-log]", room);
    this.#toEnd = must("[data-to-end]", room);
    this.log.addEventListener("scroll", () => {
      this.#atEnd = Math.abs(this.log.scrollTop) < AT_END;
      if (this.#atEnd) this.#toEnd.hidden = true;
      moved();
    });
    must("button", this.#toEnd).addEventListener("click", () => {
      this.end();
      this.log.focus({ preventScroll: true });
    });
    const unread = one("[data-unread]", this.log);
    if (unread) this.#showUnread(unread);
  }

  get atEnd(): boolean {
    return this.#atEnd;
  }

  end(): void {
    this.log.scrollTop = 0;
    this.#atEnd = true;
    this.#toEnd.hidden = true;
  }

  /** Says that something new came, to someone who reads further up. */
  offerEnd(): void {
    if (!this.#atEnd) this.#toEnd.hidden = false;
  }

  /** Changes the list, and leaves what the reader looks at where it is; at the end, the end stays in view. */
  steady(change: () => void): void {
    const anchor = this.#atEnd ? null : this.#inView();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (this.#atEnd) this.log.scrollTop = 0;
    else if (anchor?.isConnected) this.log.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  #inView(): Element | null {
    const top = this.log.getBoundingClientRect().top;
    for (const item of this.log.querySelectorAll("li.message, li.message-event:not([hidden])")) {
      if (item.getBoundingClientRect().bottom > top) return item;
    }
    return null;
  }

  /** New messages that do not fit into the window are read from their first one on. */
  #showUnread(unread: HTMLElement): void {
    const above = unread.getBoundingClientRect().top - this.log.getBoundingClientRect().top;
    if (above >= 0) return;
    this.log.scrollTop += above - 24;
    this.#atEnd = Math.abs(this.log.scrollTop) < AT_END;
    this.offerEnd();
  }
}
