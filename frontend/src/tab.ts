// The browser's tab tells of what came while nobody attended: a count in its title, a dot on its icon.
import { attended, onAttention } from "./attention";
import { one, sentence } from "./dom";

/** The title as it is without a count, and as we wrote it; a page may give itself another one meanwhile. */
class Tab {
  #count = 0;
  #plain = document.title;
  #written = "";
  readonly #icon = one<HTMLLinkElement>("link[rel=icon][data-news]");
  readonly #usual = this.#icon?.getAttribute("href") ?? "";

  add(): void {
    this.#count += 1;
    this.show();
  }

  clear(): void {
    if (!this.#count) return;
    this.#count = 0;
    if (document.title === this.#written) document.title = this.#plain;
    this.#icon?.setAttribute("href", this.#usual);
  }

  show(): void {
    if (!this.#count) return;
    if (document.title !== this.#written) this.#plain = document.title;
    this.#written = sentence("[data-title-count]", document, { count: String(this.#count), page: this.#plain });
    document.title = this.#written;
    this.#icon?.setAttribute("href", this.#icon.dataset.news ?? this.#usual);
  }
}

let tab: Tab | undefined;

/** Somebody else has said something. */
export function news(): void {
  if (!attended()) tab?.add();
}

/** Agents may have chosen to do without. */
export function startTab(): void {
  const tools = one("[data-desk-tools]");
  if (tools && !tools.hasAttribute("data-title-badge")) return;
  const here = (tab = new Tab());
  onAttention(() => attended() && here.clear());
  document.addEventListener("htmx:after:swap", () => here.show());
}
