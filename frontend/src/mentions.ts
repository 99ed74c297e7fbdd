// `@` in a note brings a list of the members at the caret. What is chosen is only text: the server reads names out of
// the note itself, also where nobody chose from a list.
import { all, must, near, one } from "./dom";

/** As many as stand in the list without scrolling. */
const SHOWN = 6;
const TYPED = /(?:^|[^\p{L}\p{N}_])@([\p{L}\p{N}][\p{L}\p{N} .'’-]{0,39})?$/u;
/** What makes a line break where it does. */
const LOOKS = ["font", "letterSpacing", "lineHeight", "padding", "border", "boxSizing", "direction", "tabSize", "textIndent"] as const;

/** The caret, in the window. */
function caretIn(text: HTMLTextAreaElement, at: number): { left: number; top: number; bottom: number } {
  const looks = getComputedStyle(text);
  const mirror = document.createElement("div");
  for (const name of LOOKS) mirror.style[name] = looks[name];
  Object.assign(mirror.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "anywhere" });
  mirror.style.width = `${text.offsetWidth}px`;
  mirror.dir = text.matches(":dir(rtl)") ? "rtl" : "ltr";
  const mark = document.createElement("span");
  mark.textContent = "\u200b";
  mirror.append(text.value.slice(0, at), mark);
  document.body.append(mirror);
  const box = text.getBoundingClientRect();
  const left = box.left + mark.offsetLeft - text.scrollLeft;
  const top = box.top + mark.offsetTop - text.scrollTop;
  const bottom = top + mark.offsetHeight;
  mirror.remove();
  return { left, top, bottom };
}

class Mentions {
  #from = 0;
  #active = 0;

  constructor(
    readonly text: HTMLTextAreaElement,
    readonly list: HTMLElement,
  ) {
    text.addEventListener("input", () => this.#look());
    text.addEventListener("blur", () => this.#close());
    // Before the composer, to which Enter means sending.
    text.form!.addEventListener("keydown", (event) => event.target === text && this.#key(event), true);
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const option = near(event, "[role=option]");
      if (option) this.#insert(option);
    });
  }

  /** Who can be given the ticket can be named. */
  get #members(): string[] {
    return all<HTMLOptionElement>("#assignee option")
      .filter((option) => option.value && option.value !== one("[data-room]")?.dataset.me)
      .map((option) => option.text);
  }

  #look(): void {
    const caret = this.text.selectionStart;
    const typed = TYPED.exec(this.text.value.slice(0, caret));
    const begun = (typed?.[1] ?? "").toLowerCase();
    const fits = (name: string) => ` ${name.toLowerCase()}`.includes(` ${begun}`);
    const names = typed ? this.#members.filter(fits).slice(0, SHOWN) : [];
    if (!names.length) return this.#close();
    this.#from = caret - begun.length - 1;
    this.list.replaceChildren(...names.map((name, index) => this.#option(name, index)));
    this.#choose(0);
    this.#open();
  }

  #option(name: string, index: number): HTMLElement {
    const option = document.createElement("li");
    option.role = "option";
    option.id = `note-member-${index}`;
    option.dir = "auto";
    option.textContent = name;
    return option;
  }

  /** Under the caret, or above it where there is no room below. */
  #open(): void {
    this.list.hidden = false;
    this.text.setAttribute("aria-controls", this.list.id);
    const { left, top, bottom } = caretIn(this.text, this.#from);
    const { width, height } = this.list.getBoundingClientRect();
    const below = bottom + height + 8 <= innerHeight;
    this.list.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    this.list.style.top = `${below ? bottom + 4 : Math.max(8, top - height - 4)}px`;
  }

  #close(): void {
    this.list.hidden = true;
    this.text.removeAttribute("aria-activedescendant");
    this.text.removeAttribute("aria-controls");
  }

  #choose(index: number): void {
    const options = [...this.list.children];
    this.#active = (index + options.length) % options.length;
    options.forEach((option, at) => (option.ariaSelected = String(at === this.#active)));
    this.text.setAttribute("aria-activedescendant", options[this.#active]!.id);
    options[this.#active]!.scrollIntoView({ block: "nearest" });
  }

  #key(event: KeyboardEvent): void {
    if (this.list.hidden || event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#choose(this.#active + (event.key === "ArrowDown" ? 1 : -1));
    else if (event.key === "Enter" || event.key === "Tab") this.#insert(this.list.children[this.#active]!);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #insert(option: Element): void {
    this.text.setRangeText(`@${option.textContent} `, this.#from, this.text.selectionStart, "end");
    this.#close();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

export function startMentions(): void {
  const list = one("[data-members]");
  if (list) new Mentions(must<HTMLTextAreaElement>("#note-content"), list);
}
