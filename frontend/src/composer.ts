// Where a person writes. What is written survives a reload. Enter sends, Shift+Enter breaks the line; on a touch
// screen, whose keyboard has no such key, Enter breaks it and the button sends.
import { Attach } from "./attach";
import { apart, copyElement, must, one, said, setField } from "./dom";
import type { Face } from "./faces";
import type { Attachment } from "./frames";
import { load, local, save } from "./keep";
import { showLimit, tooLong } from "./limits";

const TYPING_EVERY = 2_500;
const byTouch = (): boolean => matchMedia("(pointer: coarse)").matches;

export interface Writing {
  /** `then` is the status that was chosen along with sending, or nothing. */
  send(content: string, files: Attachment[], then: string): void;
  announce(text: string): void;
  typing(): void;
  /** Nothing stands in the field any more. */
  emptied(): void;
}

export class Composer {
  readonly #form: HTMLFormElement | null;
  readonly #text: HTMLTextAreaElement | null;
  /** The draft as this tab last read or wrote it: whatever else stands in the field was written here. */
  #kept: string;
  readonly #hint: string = "";
  readonly #files: Attach | null = null;
  /** The status that was chosen along with sending, while that waits for files. */
  #then = "";
  #saveTimer = 0;
  #typed = 0;

  constructor(
    readonly room: HTMLElement,
    readonly face: Face,
    readonly key: string,
    readonly writing: Writing,
  ) {
    this.#form = one<HTMLFormElement>(`[data-writes="${face}"] [data-composer]`, room);
    this.#text = this.#form && must<HTMLTextAreaElement>("textarea", this.#form);
    this.#kept = this.#stored();
    this.#showKept();
    if (!this.#form || !this.#text) return;
    this.#hint = (this.#text.getAttribute("aria-describedby") ?? "").split(" ")[0]!;
    this.#text.value ||= this.#kept;
    if (this.#gaps) this.#gaps.value ||= load<string>(local, `${key}:gaps`) ?? "";
    this.#text.enterKeyHint = byTouch() ? "enter" : "send";
    this.#files = new Attach(this.#form, room, key, local, {
      announce: (text) => writing.announce(text),
      ready: () => this.#ready(),
      stopped: () => (this.#text!.readOnly = false),
    });
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#input());
    addEventListener("pagehide", () => this.#keep());
    addEventListener("storage", (event) => event.key === key && this.#follow());
    addEventListener("pageshow", (event) => event.persisted && this.#follow());
  }

  /** What was not sent comes back, before whatever was written since. `gone`: its files must be chosen again. */
  giveBack(content: string, files: Attachment[], gone: boolean): void {
    const words = [content, this.#text?.value ?? this.#kept].filter((text) => text.trim()).join("\n\n");
    if (!this.#form || !this.#text) return this.#takeIn(words);
    void this.#files!.giveBack(files, gone);
    this.#text.value = words;
    this.#keep();
    this.#showKept();
    this.#clear();
    showLimit(this.#text);
    this.#text.focus();
  }

  /** What a canned reply left to be filled in, in a sentence. It is told once: sent again, it goes as it is. */
  #gapsLeft(content: string): string {
    const gaps = this.#gaps;
    if (!gaps) return "";
    const left = [...new Set(gaps.value.split(" "))].filter((name) => name && content.includes(`{${name}}`));
    gaps.value = "";
    const words = left.map((name) => apart(`{${name}}`)).join(", ");
    return words && said('[data-problem="placeholder"]', this.room, { words });
  }

  #refuse(problem: string): void {
    this.#clear();
    const note = copyElement("[data-composer-problem]", this.room);
    setField(note, "problem", problem);
    note.id = this.#problem;
    this.#form!.prepend(note);
    this.#text!.setAttribute("aria-invalid", "true");
    this.#text!.setAttribute("aria-describedby", `${this.#hint} ${this.#problem}`);
  }

  /** For a plain submit: the newest message that was seen goes with it. */
  seen(seq: number): void {
    const field = this.#form?.elements.namedItem("seen");
    if (field instanceof HTMLInputElement) field.value = String(seq);
  }

  get asksSeen(): boolean {
    return Boolean(this.#form?.elements.namedItem("seen"));
  }

  #clear(): void {
    one(`#${this.#problem}`, this.#form!)?.remove();
    this.#text!.removeAttribute("aria-invalid");
    this.#text!.setAttribute("aria-describedby", this.#hint);
  }

  get #problem(): string {
    return `${this.#form!.id}-problem`;
  }

  get written(): boolean {
    return Boolean(this.#text?.value.trim());
  }

  /** Where nothing can be written any more, what was being written can be read still, and taken along. */
  #showKept(): void {
    const place = one(`[data-kept="${this.face}"]`, this.room);
    const words = this.#text?.value || this.#kept;
    if (!place || (this.#form && !this.#form.hidden)) return;
    place.hidden = !words.trim();
    setField(place, "words", words);
  }

  /** What comes back to a page where nobody can write. */
  #takeIn(words: string): void {
    this.#kept = words;
    save(local, this.key, words || null);
    this.#showKept();
  }

  /** A closed ticket shows why instead of the form; what was written stays in it. */
  open(open: boolean): void {
    if (!this.#form) return;
    const focused = this.#form.contains(document.activeElement);
    this.#form.hidden = !open;
    const notice = must("[data-closed]", this.room);
    notice.hidden = open;
    this.#showKept();
    if (focused && !open) notice.focus();
  }

  #submit(event: SubmitEvent): void {
    if (event.submitter?.hasAttribute("formaction")) return; // what was written goes along into a new ticket
    event.preventDefault();
    const text = this.#text!;
    const menu = one<HTMLDetailsElement>("details[data-menu]", this.#form!);
    if (menu) menu.open = false;
    const content = this.#content;
    text.focus();
    if (!content && !this.#files!.any) return;
    if (tooLong(text, content)) return showLimit(text);
    const gaps = this.#gapsLeft(content);
    if (gaps) return this.#refuse(gaps);
    const button = event.submitter;
    this.#then = button instanceof HTMLButtonElement && button.name === "then" ? button.value : "";
    if (this.#files!.mayGo()) return this.#send(content);
    text.readOnly = this.#files!.waits;
  }

  get #content(): string {
    return this.#text!.value.replace(/^(?:[^\S\n]*\n)+/, "").trimEnd();
  }

  /** The files that it waited for are up, or were taken away. */
  #ready(): void {
    if (!this.#form!.hidden && (this.#content || this.#files!.any)) this.#send(this.#content);
  }

  #send(content: string): void {
    const text = this.#text!;
    text.value = "";
    showLimit(text);
    this.#clear();
    this.#keep();
    this.writing.send(content, this.#files!.take(), this.#then);
  }

  #key(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word; Safari says so only by the code 229.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (byTouch() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.#form!.requestSubmit(one('button[type="submit"]', this.#form!));
  }

  #input(): void {
    if (this.#text!.hasAttribute("aria-invalid")) this.#clear();
    clearTimeout(this.#saveTimer);
    this.#saveTimer = window.setTimeout(() => this.#keep(), 250);
    if (!this.written) this.writing.emptied();
    const now = performance.now();
    if (!this.written || (this.#typed && now - this.#typed < TYPING_EVERY)) return;
    this.#typed = now;
    this.writing.typing();
  }

  /** A tab that only shows a draft does not write it: it may have been sent from another one by now. */
  #keep(): void {
    clearTimeout(this.#saveTimer);
    if (this.#text!.value === this.#kept) return;
    this.#kept = this.#text!.value;
    save(local, this.key, this.#kept || null);
    if (this.#gaps) save(local, `${this.key}:gaps`, (this.#kept && this.#gaps.value) || null);
  }

  /** What canned replies brought in to be filled in; only an agent's answer has it. */
  get #gaps(): HTMLInputElement | null {
    return this.#form && one<HTMLInputElement>('input[name="gaps"]', this.#form);
  }

  #stored = (): string => load<string>(local, this.key) ?? "";

  /** The same draft in another tab was changed, or sent. Words of this tab's own stay. */
  #follow(): void {
    const before = this.#kept;
    this.#kept = this.#stored();
    if (this.#text!.value === before) this.#text!.value = this.#kept;
  }
}
