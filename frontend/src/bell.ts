// The bell: its list opens over the page, and its count is said when something new has come.
import htmx from "htmx.org";
import { all, must, near, one } from "./dom";
import { refreshSoon } from "./refresh";
import { onBell } from "./watch";

/** What the server counted: it is shown at every bell of the page, and said once when it has grown. */
export function ring(counted: HTMLElement): void {
  const shown = counted.textContent;
  const before = one(".bell b")?.textContent ?? "";
  for (const count of all(".bell b")) count.textContent = shown;
  if (Number.parseInt(shown || "0") > Number.parseInt(before || "0")) must("#live").textContent = counted.dataset.bell!;
}

class Panel {
  readonly #dialog = document.createElement("dialog");
  readonly #list = document.createElement("div");

  constructor() {
    this.#dialog.className = "bell-panel";
    this.#dialog.setAttribute("aria-labelledby", "bell-title");
    this.#dialog.append(this.#list);
    document.body.append(this.#dialog);
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog || near(event, "[data-close]")) this.#dialog.close();
    });
  }

  /** Where the list cannot be had, its own page says why. */
  async open(url: string): Promise<void> {
    const request = { source: this.#list, target: this.#list, select: "#bell-list", swap: "innerHTML" };
    await htmx.ajax("GET", url, request as Parameters<typeof htmx.ajax>[2]).catch(() => undefined);
    if (one("#bell-list", this.#list)) this.#dialog.showModal();
    else location.assign(url);
  }
}

/** What opens the list in a tab or window of its own stays a link. */
const plain = (event: MouseEvent): boolean =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

/** A list that is looked at stays true: the panel's while it is open, and the page's own, unless it is an older one. */
function keepTrue(url: string | undefined): void {
  onBell(refreshSoon(".bell-panel[open] #bell-list", () => url));
  if (!location.search) onBell(refreshSoon("main #bell-list", () => url));
}

export function startBell(): void {
  keepTrue(one<HTMLAnchorElement>("a.bell")?.href);
  let panel: Panel | undefined;
  for (const bell of all<HTMLAnchorElement>("a.bell:not([aria-current])")) {
    bell.setAttribute("aria-haspopup", "dialog");
    bell.addEventListener("click", (event) => {
      if (!plain(event)) return;
      event.preventDefault();
      void (panel ??= new Panel()).open(bell.href);
    });
  }
}
