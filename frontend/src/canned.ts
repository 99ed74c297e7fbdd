// Canned replies: `/` in the empty composer, or the button, opens a list that narrows as one types.
import { all, copyElement, must, near, one, setField } from "./dom";

/** Where `content` is only a beginning, `whole` is the address of the text. */
type Reply = { name: string; content: string; whole?: string };

const SHOWN = 50;
/** Milliseconds for which the list is taken as it is. */
const FRESH = 60_000;
const GAP = /\{([\p{L}_][\p{L}\p{N}_-]{0,39})\}/gu;

async function fetched<T>(address: string): Promise<T> {
  const response = await fetch(address, { headers: { accept: "application/json" }, redirect: "error" });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.json()) as T;
}

class Picker {
  readonly #filter: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #button: HTMLElement;
  #replies: Reply[] = [];
  #shown: Reply[] = [];
  #loaded = 0;
  #active = 0;

  constructor(
    readonly box: HTMLElement,
    readonly text: HTMLTextAreaElement,
  ) {
    this.#filter = must<HTMLInputElement>("[data-replies-filter]", box);
    this.#list = must("[data-replies-list]", box);
    this.#button = must("[data-replies-open]", text.form!);
    this.#button.addEventListener("click", () => (box.hidden ? this.open() : this.close()));
    text.addEventListener("keydown", (event) => {
      if (event.key !== "/" || text.value || event.isComposing) return;
      event.preventDefault();
      this.open();
    });
    this.#filter.addEventListener("input", () => this.#narrow());
    this.#filter.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("pointerdown", (event) => {
      const place = event.target as Node;
      if (!box.hidden && !box.contains(place) && !this.#button.contains(place)) this.#hide();
    });
    box.addEventListener("focusout", (event) => {
      const next = event.relatedTarget as Node | null;
      if (next && !box.contains(next) && !this.#button.contains(next)) this.#hide();
    });
  }

  open(): void {
    this.box.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#filter.value = "";
    this.#filter.focus();
    this.#narrow();
    if (performance.now() - this.#loaded > FRESH || !this.#loaded) void this.#load();
  }

  close(): void {
    this.#hide();
    this.text.focus();
  }

  #hide(): void {
    this.box.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  async #load(): Promise<void> {
    if (!this.#replies.length) this.#state("loading");
    try {
      this.#replies = (await fetched<{ replies: Reply[] }>(this.box.dataset.replies!)).replies;
      this.#loaded = performance.now();
      this.#narrow();
    } catch {
      if (!this.#replies.length) this.#state("failed");
    }
  }

  /** Every word has to occur; those whose name begins with what was typed come first. */
  #narrow(): void {
    const typed = this.#filter.value.trim().toLowerCase();
    const words = typed.split(/\s+/);
    const fits = this.#replies.filter(({ name, content }) => {
      const text = `${name}\n${content}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const first = (reply: Reply): number => (reply.name.toLowerCase().startsWith(typed) ? 0 : 1);
    this.#shown = fits.sort((one, other) => first(one) - first(other)).slice(0, SHOWN);
    this.#list.replaceChildren(...this.#shown.map((reply, index) => this.#option(reply, index)));
    this.#state(this.#shown.length || !this.#loaded ? "" : "empty");
    this.#choose(0);
  }

  #option(reply: Reply, index: number): HTMLElement {
    const option = copyElement("[data-reply-option]", this.box);
    option.id = `reply-option-${index}`;
    setField(option, "name", reply.name);
    setField(option, "content", reply.content);
    return option;
  }

  #state(state: string): void {
    for (const note of all("[data-replies-state]", this.box)) note.hidden = note.dataset.repliesState !== state;
  }

  #choose(index: number): void {
    const count = this.#shown.length;
    this.#active = count ? (index + count) % count : 0;
    [...this.#list.children].forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === this.#active));
      if (at === this.#active) option.scrollIntoView({ block: "nearest" });
    });
    if (count) this.#filter.setAttribute("aria-activedescendant", `reply-option-${this.#active}`);
    else this.#filter.removeAttribute("aria-activedescendant");
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.#choose(this.#active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      void this.#take(this.#shown[this.#active]);
    } else if (event.key === "/" && !this.#filter.value) {
      // Twice means the sign itself.
      event.preventDefault();
      this.#insert("/");
    } else if (event.key === "Backspace" && !this.#filter.value) {
      event.preventDefault();
      this.close();
    }
  }

  #click(event: Event): void {
    const option = near(event, "[role=option]");
    if (option) void this.#take(this.#shown[[...this.#list.children].indexOf(option)]);
  }

  async #take(reply: Reply | undefined): Promise<void> {
    if (!reply) return;
    if (!reply.whole) return this.#insert(reply.content);
    this.#state("loading");
    try {
      const { content } = await fetched<{ content: string }>(reply.whole);
      if (!this.box.hidden) this.#insert(content);
    } catch {
      this.#state("failed");
    }
  }

  /** A gap that is left to fill is selected, so that one types over it; the composer looks whether they were filled. */
  #insert(content: string): void {
    const { text } = this;
    const start = text.selectionStart;
    text.setRangeText(content, start, text.selectionEnd, "end");
    const found = [...content.matchAll(GAP)];
    const gaps = text.form!.elements.namedItem("gaps") as HTMLInputElement;
    gaps.value = [gaps.value, ...found.map((each) => each[1])].join(" ").trim();
    const gap = found[0];
    if (gap) text.setSelectionRange(start + gap.index, start + gap.index + gap[0].length);
    text.dispatchEvent(new Event("input", { bubbles: true }));
    this.close();
  }
}

export function startCanned(): void {
  const box = one("[data-replies]");
  const text = box?.closest("form")?.elements.namedItem("content");
  if (box && text instanceof HTMLTextAreaElement) new Picker(box, text);
}
