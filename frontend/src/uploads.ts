// The files of one form: each goes up as soon as it is there, and shows how far it is. What is up survives a reload
// and is the same in every tab that has this draft; of what was on its way the next page says that it did not go up.
import type { Attach } from "./attach";
import { all, apart, copyElement, must, newId, one, setField } from "./dom";
import { filesize } from "./files";
import type { Attachment } from "./frames";
import { load, save, session } from "./keep";
import { showPreview } from "./preview";
import { type Outcome, transfer } from "./transfer";

type State = "waiting" | "going" | "offline" | "up" | "failed" | "lost";
type Kept = Attachment & { at: number };
type Begun = { key: string; name: string; size: number };

interface Item extends Begun {
  chip: HTMLElement;
  state: State;
  file?: File;
  staged?: Kept;
  abort?: () => void;
  tries: number;
  timer: number;
}

const AT_ONCE = 2;
const LONGEST_WAIT = 30_000;
/** The server keeps what was not sent for a day. */
const KEPT = 23 * 3_600_000;

export class Uploads {
  #items: Item[] = [];
  readonly #list = copyElement("[data-chips]");
  readonly #place: HTMLElement;
  readonly #limit: number;
  readonly #most: number;

  constructor(readonly attach: Attach) {
    const { form } = attach;
    this.#place = must("[data-attach-place]", form);
    this.#limit = Number(form.dataset.fileLimit);
    this.#most = Number(form.dataset.filesMost);
    for (const begun of load<Begun[]>(session, attach.begunIn) ?? []) this.#show(begun, "lost");
    this.#takeOver();
    this.#follow();
    addEventListener("storage", (event) => event.key === attach.keptIn && this.#follow());
    addEventListener("pageshow", (event) => event.persisted && this.#follow());
    addEventListener("online", () => this.#items.filter(({ state }) => state === "offline").forEach((each) => this.#again(each)));
    this.#list.addEventListener("keydown", (event) => this.#key(event));
  }

  get any(): boolean {
    return this.#items.length > 0;
  }

  get staged(): Kept[] {
    return this.#items.flatMap(({ staged }) => staged ?? []);
  }

  get state(): "ready" | "waiting" | "blocked" {
    const states = new Set(this.#items.map(({ state }) => state));
    if (states.has("failed") || states.has("lost")) return "blocked";
    return [...states].every((state) => state === "up") ? "ready" : "waiting";
  }

  add(files: File[]): void {
    const room = Math.max(0, this.#most - this.#items.length);
    this.attach.say("");
    for (const file of files.slice(0, room)) this.#begin(file);
    const names = files.slice(room).map(({ name }) => name);
    if (names.length) this.attach.say("too_many", { count: String(this.#most), names: names.map(apart).join(", ") }, true);
    this.#remember();
    this.#pump();
  }

  giveBack(files: Attachment[], gone: boolean): void {
    for (const file of files) {
      const item = this.#show({ key: file.file_id, name: file.name, size: file.size }, gone ? "lost" : "up");
      if (!gone) this.#staged(item, { ...file, at: Date.now() });
    }
    this.#keep(this.staged);
    this.#remember();
  }

  clear(): void {
    this.#keep(this.#kept().filter(({ file_id }) => !this.#items.some(({ staged }) => staged?.file_id === file_id)));
    this.#items.forEach(({ chip }) => chip.remove());
    this.#items = [];
    this.#remember();
  }

  #begin(file: File): void {
    const item = this.#show({ key: newId(), name: file.name, size: file.size }, "waiting");
    if (file.size > this.#limit) return this.#fail(item, this.attach.words("too_large", { size: filesize(this.#limit) }));
    if (!file.size) return this.#fail(item, this.attach.words("empty"));
    item.file = file;
    void showPreview(file, must(".chip-sign", item.chip));
  }

  #show(begun: Begun, state: State): Item {
    const chip = copyElement("[data-chip]");
    const item: Item = { ...begun, chip, state, tries: 0, timer: 0 };
    this.#items.push(item);
    setField(chip, "name", begun.name);
    one("bdi", chip)!.title = begun.name;
    must("progress", chip).ariaLabel = this.attach.words("progress", { name: begun.name });
    const retry = must("[data-file-retry]", chip);
    retry.ariaLabel = this.attach.words("retry", { name: begun.name });
    retry.addEventListener("click", () => this.#again(item));
    const remove = must("[data-file-remove]", chip);
    remove.ariaLabel = this.attach.words("remove", { name: begun.name });
    remove.addEventListener("click", () => this.#remove(item));
    this.#list.append(chip);
    if (!this.#list.isConnected) this.#place.prepend(this.#list);
    this.#set(item, state);
    return item;
  }

  /** `words`: the sentence of the state, where it is not the usual one. */
  #set(item: Item, state: State, words = ""): void {
    item.state = item.chip.dataset.state = state;
    const usual = state === "up" ? (item.size ? filesize(item.size) : "") : this.attach.words(state);
    setField(item.chip, "state", words || usual);
    must("[data-file-retry]", item.chip).hidden = state !== "failed" || !item.file;
  }

  /** It is up; a room shows even what nobody has sent yet to whom it belongs to. */
  #staged(item: Item, staged: Kept): void {
    item.staged = staged;
    const sign = must(".chip-sign", item.chip);
    if (!staged.width || one("img", sign) || !("composer" in this.attach.form.dataset)) return;
    const image = new Image();
    image.alt = "";
    image.src = `${this.attach.form.dataset.attach}/${staged.file_id}/${encodeURIComponent(staged.name)}?size=small`;
    sign.replaceChildren(image);
  }

  #fail(item: Item, words: string): void {
    this.#set(item, "failed", words);
    this.attach.writer.announce(this.attach.words("not-uploaded", { name: item.name, reason: words }));
  }

  #pump(): void {
    const going = this.#items.filter(({ state }) => state === "going").length;
    const next = this.#items.filter(({ state }) => state === "waiting").slice(0, Math.max(0, AT_ONCE - going));
    next.forEach((item) => void this.#send(item));
  }

  async #send(item: Item): Promise<void> {
    const { form } = this.attach;
    const body = new FormData();
    if ("internal" in form.dataset) body.set("note", "1");
    body.set("files", item.file!, item.name);
    this.#progress(item, 0);
    const { done, abort } = transfer(form.dataset.attach!, body, (part) => this.#progress(item, part));
    item.abort = abort;
    const outcome = await done;
    delete item.abort;
    if (!this.#items.includes(item)) return; // removed meanwhile
    this.#arrived(item, outcome);
    this.#remember();
    this.#pump();
    this.attach.settle();
  }

  #progress(item: Item, part: number): void {
    must<HTMLProgressElement>("progress", item.chip).value = part;
    const percent = String(Math.floor(part * 100));
    const words = part < 1 ? this.attach.words("going", { percent, size: filesize(item.size) }) : this.attach.words("arriving");
    this.#set(item, "going", words);
  }

  #arrived(item: Item, outcome: Outcome): void {
    if (outcome.kind === "up") {
      item.staged = { ...outcome.file, at: Date.now() };
      this.#keep([...this.#kept(), item.staged]);
      item.size = outcome.file.size;
      this.#set(item, "up");
      this.attach.writer.announce(this.attach.words("uploaded", { name: item.name }));
    } else if (outcome.kind === "refused") {
      this.#fail(item, outcome.words || this.attach.words(outcome.name, { size: filesize(this.#limit) }));
    } else {
      this.#set(item, "offline", outcome.words);
      const wait = Math.max(outcome.after, Math.min(LONGEST_WAIT, 1_000 * 2 ** item.tries++));
      item.timer = window.setTimeout(() => this.#again(item), wait);
    }
  }

  #again(item: Item): void {
    clearTimeout(item.timer);
    if (item.state === "failed") this.attach.say("");
    this.#set(item, "waiting");
    this.#pump();
  }

  #remove(item: Item): void {
    clearTimeout(item.timer);
    const at = this.#items.indexOf(item);
    this.#items.splice(at, 1);
    item.abort?.();
    if (item.staged) {
      const { file_id } = item.staged;
      this.#keep(this.#kept().filter((kept) => kept.file_id !== file_id));
      void this.#tellOfRemoval(file_id);
    }
    const focused = item.chip.contains(document.activeElement);
    item.chip.remove();
    if (focused) (one("[data-file-remove]", (this.#items[at] ?? this.#items[at - 1])?.chip ?? this.#list) ?? this.#field)?.focus();
    this.attach.say("");
    this.attach.writer.announce(this.attach.words("removed", { name: item.name }));
    this.#remember();
    this.#pump();
    this.attach.settle();
  }

  get #field(): HTMLElement | null {
    return one('input[type="file"]', this.attach.form);
  }

  /** If it does not get through, the server sweeps the file away in a day. */
  async #tellOfRemoval(fileId: string): Promise<void> {
    const csrf = one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
    const headers = { accept: "application/json", "x-csrf-token": csrf };
    const body = new URLSearchParams();
    await fetch(`${this.attach.form.dataset.attach}/${fileId}/remove`, { method: "POST", headers, body }).catch(() => undefined);
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    const item = this.#items.find(({ chip }) => chip.contains(event.target as Node));
    if (!item) return;
    event.preventDefault();
    this.#remove(item);
  }

  #kept = (): Kept[] => load<Kept[]>(this.attach.storage, this.attach.keptIn) ?? [];

  #keep(files: Kept[]): void {
    save(this.attach.storage, this.attach.keptIn, files.length ? files : null);
  }

  #remember(): void {
    const begun = this.#items.filter(({ state }) => state !== "up" && state !== "failed");
    save(session, this.attach.begunIn, begun.length ? begun.map(({ key, name, size }) => ({ key, name, size })) : null);
    if (!this.#items.length) this.#list.remove();
  }

  /** What a plain form brought up before it was refused. */
  #takeOver(): void {
    const list = one("[data-staged]", this.attach.form);
    const staged = list && all<HTMLInputElement>("input", list).map(({ value, dataset }): Kept => {
      const { name, size } = dataset as Record<string, string>;
      const unknown = { media_type: "", width: 0, height: 0, scan: "off" } as const;
      return { file_id: value, name: name!, size: Number(size), ...unknown, at: Date.now() };
    });
    const known = new Set(this.#kept().map(({ file_id }) => file_id));
    if (staged) this.#keep([...this.#kept(), ...staged.filter(({ file_id }) => !known.has(file_id))]);
    list?.remove();
  }

  /** What is kept is the truth: another tab may have added to it, or sent it. */
  #follow(): void {
    const kept = this.#kept();
    for (const item of this.#items.filter(({ staged }) => staged && !kept.some(({ file_id }) => file_id === staged.file_id))) {
      item.chip.remove();
      this.#items.splice(this.#items.indexOf(item), 1);
    }
    const shown = new Set(this.staged.map(({ file_id }) => file_id));
    for (const staged of kept.filter(({ file_id }) => !shown.has(file_id))) {
      const fresh = Date.now() - staged.at < KEPT;
      const item = this.#show({ key: staged.file_id, name: staged.name, size: staged.size }, fresh ? "up" : "lost");
      if (fresh) this.#staged(item, staged);
    }
    this.#remember();
  }
}
