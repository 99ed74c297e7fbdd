// Files that go with what one writes: chosen, dropped or pasted. What shows them and sends them up, uploads.ts, comes
// with the first touch of the form, so that a page that is only read does without it.
import type { Attachment } from "./frames";
import { copy, copyElement, fill, must, one, setField } from "./dom";
import { load, session } from "./keep";
import type { Uploads } from "./uploads";

export interface Writer {
  announce(text: string): void;
  /** Everything is up that was waited for. */
  ready(): void;
  /** It is not waited for any more. */
  stopped(): void;
}

const NAMELESS = /^image\.(\w+)$/;

const carriesFiles = (event: DragEvent): boolean => Boolean(event.dataTransfer?.types.includes("Files"));

/** A file that misses its place must not take the place of the page. */
const stay = (event: DragEvent): void => void (carriesFiles(event) && event.preventDefault());

/** A screenshot has no name of its own. */
function named(file: File): File {
  const ending = NAMELESS.exec(file.name)?.[1];
  if (!ending) return file;
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  return new File([file], `screenshot-${now.slice(0, 19).replace("T", "-").replaceAll(":", "")}.${ending}`, { type: file.type });
}

export class Attach {
  readonly #input: HTMLInputElement | null;
  #uploads: Uploads | null = null;
  #coming: Promise<Uploads | null> | null = null;
  /** There are files of which the form does not know yet. */
  #expected = false;
  /** Something is to be sent as soon as everything is up. */
  waits = false;
  #drop: HTMLElement | null = null;

  constructor(
    readonly form: HTMLFormElement,
    readonly area: HTMLElement,
    /** Where the draft is kept, in `storage`; its files beside it. */
    readonly key: string,
    readonly storage: () => Storage,
    readonly writer: Writer,
  ) {
    this.#input = one<HTMLInputElement>('input[type="file"]', form);
    if (!this.#input) return;
    this.#input.addEventListener("change", () => this.#choose());
    form.addEventListener("focusin", () => void this.#bring(), { once: true });
    area.addEventListener("paste", (event) => this.#paste(event));
    area.addEventListener("dragover", (event) => this.#over(event));
    area.addEventListener("dragleave", (event) => area.contains(event.relatedTarget as Node | null) || this.#showDrop(false));
    area.addEventListener("drop", (event) => this.#dropped(event));
    document.addEventListener("dragover", stay);
    document.addEventListener("drop", stay);
    addEventListener("storage", (event) => event.key === this.keptIn && void this.#bring());
    const kept = [load<unknown[]>(storage, this.keptIn), load<unknown[]>(session, this.begunIn)];
    if (kept.some((files) => files?.length) || one("[data-staged]", form)) void this.#expect();
  }

  get keptIn(): string {
    return `${this.key}:files`;
  }

  /** What this tab has begun to send up and has not finished. */
  get begunIn(): string {
    return `${this.key}:begun`;
  }

  get any(): boolean {
    return this.#expected || Boolean(this.#uploads?.any);
  }

  /** Those that are up. */
  get staged(): Attachment[] {
    return this.#uploads?.staged ?? [];
  }

  /** Whether nothing is in the way of sending. Else it says what is; if only time is, `ready` follows. */
  mayGo(): boolean {
    if (!this.any) return true;
    const state = this.#uploads?.state ?? "waiting";
    if (state === "blocked") this.say("blocked", {}, true);
    if (state === "waiting") this.#wait();
    return state === "ready";
  }

  /** What was in the way may be gone, or something new is. */
  settle(): void {
    if (!this.waits || this.#uploads?.state === "waiting") return;
    this.#stop();
    if (this.#uploads?.state === "blocked") this.say("blocked", {}, true);
    else this.writer.ready();
  }

  /** They belong to what was sent: the form is empty again. */
  take(): Attachment[] {
    const taken = this.staged;
    this.#uploads?.clear();
    this.say("");
    return taken;
  }

  /** Those of a message that was not sent after all; `gone`: the server does not have them any more. */
  async giveBack(files: Attachment[], gone: boolean): Promise<void> {
    if (files.length) (await this.#expect())?.giveBack(files, gone);
  }

  /** A sentence below the chips; nothing takes the last one away. */
  say(name: string, values: Record<string, string> = {}, problem = false): HTMLElement | null {
    one(".attach-note", this.form)?.remove();
    if (!name) return null;
    const note = copyElement("[data-attach-note]");
    const text = this.words(name, values);
    setField(note, "text", text);
    note.toggleAttribute("data-problem", problem);
    must("[data-attach-place]", this.form).append(note);
    this.writer.announce(text);
    return note;
  }

  words = (name: string, values: Record<string, string> = {}): string =>
    fill(one(`.${name}`, copy("[data-file-texts]")!)!.textContent, values);

  #wait(): void {
    this.waits = true;
    const button = one("button", this.say("waits")!)!;
    button.hidden = false;
    button.addEventListener("click", () => this.#stop());
  }

  #stop(): void {
    this.waits = false;
    this.say("");
    this.writer.stopped();
  }

  #bring(): Promise<Uploads | null> {
    return (this.#coming ??= import("./uploads.js")
      .then(({ Uploads: Those }) => (this.#uploads = new Those(this)))
      .catch(() => (this.#coming = null)));
  }

  async #expect(): Promise<Uploads | null> {
    this.#expected = true;
    const uploads = await this.#bring();
    this.#expected = false;
    if (!uploads) this.say("unavailable", {}, true);
    this.settle();
    return uploads;
  }

  async #add(files: File[]): Promise<void> {
    (await this.#expect())?.add(files);
  }

  #choose(): void {
    const files = [...this.#input!.files!];
    this.#input!.value = "";
    void this.#add(files);
  }

  #paste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    // What was copied out of a document is words, with a picture of them.
    if (!files.length || !this.#inFront || event.clipboardData!.types.includes("text/plain")) return;
    event.preventDefault();
    void this.#add(files.map(named));
  }

  get #inFront(): boolean {
    return !this.form.hidden && !this.form.closest("[data-behind]");
  }

  #over(event: DragEvent): void {
    if (!carriesFiles(event) || !this.#inFront) return;
    event.dataTransfer!.dropEffect = "copy";
    this.#showDrop(true);
  }

  #showDrop(shown: boolean): void {
    if (shown === Boolean(this.#drop)) return;
    this.#drop?.remove();
    this.#drop = shown ? copyElement("[data-drop]") : null;
    if (!this.#drop) return;
    setField(this.#drop, "text", this.words("internal" in this.form.dataset ? "drop-note" : "drop"));
    this.area.append(this.#drop);
  }

  #dropped(event: DragEvent): void {
    this.#showDrop(false);
    if (carriesFiles(event) && this.#inFront) void this.#add([...event.dataTransfer!.files]);
  }
}
