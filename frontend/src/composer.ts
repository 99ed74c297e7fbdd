// Where a person writes. What is written survives a reload; Enter sends, Shift+Enter breaks the line.
import { load, local, save } from "./keep";
import { must, one } from "./dom";

const TYPING_EVERY = 2_500;

export interface Writing {
  send(content: string): void;
  typing(): void;
}

export class Composer {
  readonly #form: HTMLFormElement | null;
  readonly #text: HTMLTextAreaElement | null;
  #saveTimer = 0;
  #typed = 0;

  constructor(
    readonly room: HTMLElement,
    readonly key: string,
    readonly writing: Writing,
  ) {
    this.#form = one<HTMLFormElement>("[data-composer]", room);
    this.#text = this.#form && must<HTMLTextAreaElement>("textarea", this.#form);
    if (!this.#form || !this.#text) return;
    this.#text.value ||= load<string>(local, key) ?? "";
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#input());
    addEventListener("pagehide", () => this.#keep());
  }

  /** A closed ticket shows why instead of the form; what was written stays in it. */
  open(open: boolean): void {
    if (!this.#form) return;
    const focused = this.#form.contains(document.activeElement);
    this.#form.hidden = !open;
    const notice = must("[data-closed]", this.room);
    notice.hidden = open;
    if (focused && !open) notice.focus();
  }

  #submit(event: SubmitEvent): void {
    event.preventDefault();
    const text = this.#text!;
    const content = text.value.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
    text.focus();
    if (!content) return;
    text.value = "";
    text.removeAttribute("aria-invalid");
    one("#composer-problem", this.#form!)?.remove();
    this.#keep();
    this.writing.send(content);
  }

  #key(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word; Safari says so only by the code 229.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!event.repeat) this.#form!.requestSubmit();
  }

  #input(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = window.setTimeout(() => this.#keep(), 250);
    const now = performance.now();
    if (!this.#text!.value.trim() || (this.#typed && now - this.#typed < TYPING_EVERY)) return;
    this.#typed = now;
    this.writing.typing();
  }

  #keep(): void {
    clearTimeout(this.#saveTimer);
    save(local, this.key, this.#text!.value || null);
  }
}
