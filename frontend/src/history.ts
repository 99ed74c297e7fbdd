// Earlier messages: a plain link, which loads by itself when the reader comes near it.
import type { Page } from "./api";
import type { Message } from "./frames";
import type { Reading } from "./reading";
import { must } from "./dom";

/** What went before what stands here. */
export interface Past {
  /** Of the address of the page that ends there. */
  query(): string;
  load(): Promise<Page>;
  put(messages: Message[]): void;
  epoch(): string | undefined;
  /** An older page turned out to be of another epoch than the page that it was for. */
  changed(): void;
}

export class History {
  readonly #box: HTMLElement;
  #loading = false;

  constructor(
    readonly room: HTMLElement,
    readonly reading: Reading,
    readonly past: Past,
  ) {
    this.#box = must("[data-older-box]", room);
    // What is merged into a ticket stands among its messages only as the server draws them.
    if ("plain" in this.#box.dataset) return;
    must("[data-older]", room).addEventListener("click", (event) => {
      const click = event as MouseEvent;
      if (click.ctrlKey || click.metaKey || click.shiftKey) return;
      event.preventDefault();
      void this.#load();
    });
    must("[data-older-retry]", room).addEventListener("click", () => void this.#load());
    // Only once the reader scrolls: a short first page must not pull in the whole conversation.
    reading.log.addEventListener("scroll", () => this.#observe(), { once: true });
  }

  get offered(): boolean {
    return !this.#box.hidden;
  }

  offer(more: boolean): void {
    this.#box.hidden = !more;
    this.#box.dataset.state = "idle";
    const link = must<HTMLAnchorElement>("[data-older]", this.#box);
    const address = new URLSearchParams(link.search);
    for (const [name, value] of new URLSearchParams(this.past.query())) address.set(name, value);
    link.search = String(address);
  }

  #observe(): void {
    const near = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.#box.dataset.state === "idle" && void this.#load(),
      { root: this.reading.log, rootMargin: "300px 0px 0px" },
    );
    near.observe(this.#box);
  }

  async #load(): Promise<void> {
    if (this.#loading || this.#box.hidden) return;
    this.#loading = true;
    this.#box.dataset.state = "loading";
    try {
      const page = await this.past.load();
      if (page.epoch !== this.past.epoch()) {
        this.#box.dataset.state = "idle";
        return this.past.changed();
      }
      this.reading.steady(() => {
        this.past.put(page.messages);
        this.offer(page.more && page.messages.length > 0);
      });
    } catch {
      this.#box.dataset.state = "failed";
    } finally {
      this.#loading = false;
    }
  }
}
