// Earlier messages: a plain link, which loads by itself when the reader comes near it.
import type { Api } from "./api";
import type { MessageList } from "./messages";
import type { Reading } from "./reading";
import { must } from "./dom";

/** `changed` is called when an older page turns out to be of another epoch than the page that it was for. */
export class History {
  readonly #box: HTMLElement;
  #loading = false;

  constructor(
    readonly room: HTMLElement,
    readonly api: Api,
    readonly messages: MessageList,
    readonly reading: Reading,
    readonly epoch: () => string | undefined,
    readonly changed: () => void,
  ) {
    this.#box = must("[data-older-box]", room);
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

  offer(more: boolean): void {
    this.#box.hidden = !more;
    this.#box.dataset.state = "idle";
    const link = must<HTMLAnchorElement>("[data-older]", this.#box);
    link.search = `?before=${this.messages.first}`;
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
      const page = await this.api.before(this.messages.first);
      if (page.epoch !== this.epoch()) {
        this.#box.dataset.state = "idle";
        return this.changed();
      }
      this.reading.steady(() => {
        this.messages.prepend(page.messages);
        this.offer(page.more && page.messages.length > 0);
      });
    } catch {
      this.#box.dataset.state = "failed";
    } finally {
      this.#loading = false;
    }
  }
}
