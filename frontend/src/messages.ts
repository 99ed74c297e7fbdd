// The messages of one room in the list: confirmed ones by their seq, then what is still on its way. The list of an
// agent holds two rooms: each keeps its own order, and between them what is earlier stands first.
import type { Attachment, Message, Place, Side } from "./frames";
import type { Unsent } from "./outbox";
import { all, copy, copyElement, initials, must, one, said, saying, setField } from "./dom";
import type { Api } from "./api";
import { askScans, filesOf, showFiles, withdraw } from "./files";
import { linked, marked } from "./linkify";
import { calledIn } from "./names";
import { dayOf, localTimes } from "./times";

export type Sent = { seq: number; client_id: string; content: string; files: Attachment[]; at: string };

const MESSAGE = "li.message, li.message-event";
const BODY = ".message-body";

/** Agents by their id; whoever is the only one of the kind goes by that. */
const speakerOf = (item: HTMLElement | null): string | undefined => item?.dataset.senderId ?? item?.dataset.sender;
const isNote = (item: HTMLElement | null): boolean => Boolean(item?.hasAttribute("data-internal"));
const momentOf = (item: Element | null): string => (item && one<HTMLTimeElement>("time", item)?.dateTime) ?? "";

export class MessageList {
  readonly list: HTMLElement;
  readonly #which: string;
  #seen: number;

  constructor(
    readonly room: HTMLElement,
    readonly side: Side,
    readonly me: string,
    readonly notes: boolean,
  ) {
    this.list = must("[data-messages]", room);
    this.#which = notes ? "[data-internal]" : ":not([data-internal])";
    this.#seen = notes ? 0 : Number(room.dataset.seen);
    if (notes) return;
    all("[data-day]", this.list).forEach((separator) => separator.remove());
    this.#items().forEach((item) => this.#separate(item));
  }

  get first(): number {
    return Number(this.#confirmed()[0]?.dataset.seq ?? 0);
  }

  /** The last one; `head` is its number, also where it is too old to stand here. */
  place(head: number): Place {
    const last = this.#confirmed().at(-1)?.dataset;
    return last ? { after: Number(last.seq), message_id: last.id! } : { after: head };
  }

  isMine = (message: Message): boolean => message.sender_type !== "system" && message.sender_id === this.me;

  /** Puts a message in its place; one that stands here already is only made exact. True when it is new to the eye. */
  put(message: Message): boolean {
    const known = this.#find(message);
    if (known) {
      this.#confirm(known, message);
      return false;
    }
    const item = this.#render(message);
    this.#place(item, message.seq);
    return true;
  }

  reconcile(message: Message): void {
    const known = this.#find(message);
    if (known) this.#confirm(known, message);
  }

  stands(message: Message): boolean {
    return Boolean(one(`li[data-id="${CSS.escape(message.message_id)}"]`, this.list));
  }

  /** Messages of one's own that were sent from a page, oldest first. */
  get own(): Sent[] {
    return this.#confirmed()
      .filter((item) => item.hasAttribute("data-mine") && item.dataset.clientId)
      .map((item) => ({
        seq: Number(item.dataset.seq),
        client_id: item.dataset.clientId!,
        content: one(BODY, item)?.textContent ?? "",
        files: filesOf(item),
        at: momentOf(item),
      }));
  }

  replace(messages: Message[]): void {
    this.#confirmed().forEach((item) => item.remove());
    this.#seen = 0;
    all("[data-day], [data-unread]", this.list).forEach((separator) => separator.remove());
    messages.forEach((message) => this.put(message));
    this.#items().forEach((item) => this.#separate(item));
  }

  /** The same item through all its states: on its way, waiting for the network, refused. */
  show(unsent: Unsent, waiting: boolean): void {
    const known = this.#byClient(unsent.client_id);
    if (known?.dataset.seq) return;
    const item = known ?? this.#renderUnsent(unsent);
    const state = unsent.code === "gone" ? "gone" : unsent.state;
    item.dataset.state = state === "pending" && waiting ? "waiting" : state;
    if (unsent.due) item.dataset.due = String(unsent.due);
    if (unsent.state === "failed") setField(item, "reason", this.reason(unsent.code));
    if (known) return;
    this.list.append(item);
    this.#separate(item);
  }

  forget(clientId: string): void {
    const item = this.#byClient(clientId);
    if (item && !item.dataset.seq) this.#takeOut(item);
  }

  /** Copies of what others said after `seq`. */
  saidAfter(seq: number): HTMLElement[] {
    return this.#confirmed()
      .filter((item) => item.matches(".message:not([data-mine])") && Number(item.dataset.seq) > seq)
      .map((item) => item.cloneNode(true) as HTMLElement);
  }

  askScans = (api: Api): Promise<void> => askScans(this.#confirmed(), api, this.room);

  /** The mark of what the other side has seen; it only goes forward. */
  seenUpTo(seq: number): void {
    this.#seen = Math.max(this.#seen, seq);
    this.receipts();
  }

  /** "Seen" under the newest own message that was seen, "Sent" under the newest if that is a later one. */
  receipts(): void {
    const mine = this.#confirmed().filter((item) => item.hasAttribute("data-mine"));
    const seen = mine.findLast((item) => Number(item.dataset.seq) <= this.#seen);
    const newest = mine.at(-1);
    for (const item of mine) {
      if (item === seen) this.#receipt(item, "seen");
      else if (item === newest) this.#receipt(item, "sent");
      else delete item.dataset.receipt;
    }
  }

  /** What the server drew holds only the note that it needed. */
  #receipt(item: HTMLElement, receipt: "sent" | "seen"): void {
    item.dataset.receipt = receipt;
    const note = `.message-note[data-for="${receipt}"]`;
    if (one(note, item)) return;
    must(":scope > div", item).append(must(note, copyElement('[data-message="mine"]', this.room)));
  }

  #items = (): HTMLElement[] => all(MESSAGE, this.list);
  #confirmed = (): HTMLElement[] => all(`li[data-seq]:not([data-seq=""])${this.#which}`, this.list);
  #byClient = (id: string): HTMLElement | null => one(`li[data-client-id="${CSS.escape(id)}"]`, this.list);

  #find(message: Message): HTMLElement | null {
    return (
      one(`li[data-id="${CSS.escape(message.message_id)}"]`, this.list) ??
      (message.client_id && this.isMine(message) ? this.#byClient(message.client_id) : null)
    );
  }

  reason(code: string): string {
    return said(`[data-reason="${CSS.escape(code)}"]`, this.room) || said('[data-reason="other"]', this.room);
  }

  #render(message: Message): HTMLElement {
    if (message.sender_type === "system") return this.#renderEvent(message);
    const mine = this.isMine(message);
    const item = this.#fresh(mine);
    item.dataset.sender = message.sender_type;
    item.dataset.senderId = message.sender_id;
    if (!mine) {
      const name = calledIn(this.room, message.sender_name);
      const author = must(".message-author", item);
      author.textContent = name;
      must(".message-avatar", item).textContent = initials(name);
      if (message.sender_type === "customer") author.after(copy("[data-blocked-mark]", this.room) ?? "");
    }
    this.#stamp(item, message);
    return item;
  }

  /** A fresh message; of notes, with the word for it. */
  #fresh(mine: boolean): HTMLElement {
    const item = copyElement(`[data-message="${mine ? "mine" : "other"}"]`, this.room);
    item.toggleAttribute("data-internal", this.notes);
    if (this.notes) must(".message-head", item).prepend(copyElement("[data-note-kind]", this.room));
    return item;
  }

  /** A code that this page does not know says nothing, yet holds its place. */
  #renderEvent(message: Message): HTMLElement {
    const { content } = message;
    const name = calledIn(this.room, message.sender_name);
    const [kind, rest = ""] = content.split(/:(.*)/s);
    const value = kind === "withdrawn" ? this.#withdraw(rest) : rest;
    const whose = [name === this.room.dataset.myName && "[data-own]", name ? ":not([data-nameless], [data-own])" : "[data-nameless]"];
    const template = [content, `${kind}:*`]
      .flatMap((code) => whose.map((which) => which && `[data-event="${CSS.escape(code)}"]${which}`))
      .find((selector) => selector && saying(selector, this.room));
    const item = copyElement(template ? "[data-event-line]" : "[data-event-unknown]", this.room);
    item.toggleAttribute("data-internal", this.notes);
    if (template) {
      setField(item, "sentence", said(template, this.room, { name, value }));
      const use = must("use", item);
      use.setAttribute("href", `${use.getAttribute("href")!.split("#")[0]}#${this.#icon(template)}`);
    }
    this.#stamp(item, message);
    return item;
  }

  /** Of a file's id and name; the name. */
  #withdraw(file: string): string {
    const [fileId = "", name = ""] = file.split(/:(.*)/s);
    if (name) withdraw(fileId, name, this.room);
    return name || fileId; // once there was no id
  }

  /** One icon, however it is said. */
  #icon(template: string): string {
    return saying(`${template.slice(0, template.indexOf("]") + 1)}[data-icon]`, this.room)!.dataset.icon!;
  }

  #renderUnsent(unsent: Unsent): HTMLElement {
    const item = this.#fresh(true);
    item.dataset.sender = this.side;
    item.dataset.senderId = this.me;
    item.dataset.clientId = unsent.client_id;
    delete item.dataset.seq;
    this.#moment(item, unsent.at);
    must(BODY, item).replaceChildren(...linked(unsent.content));
    showFiles(must(BODY, item), unsent.files ?? [], "", this.room);
    return item;
  }

  #confirm(item: HTMLElement, message: Message): void {
    if (item.dataset.seq) return;
    delete item.dataset.state;
    this.#stamp(item, message);
    this.#place(item, message.seq);
  }

  #stamp(item: HTMLElement, message: Message): void {
    item.dataset.seq = String(message.seq);
    item.dataset.id = message.message_id;
    item.dataset.clientId = message.client_id ?? "";
    this.#moment(item, message.created_at);
    const called = this.notes && !this.isMine(message) && this.room.dataset.called;
    const words = one(BODY, item);
    words?.replaceChildren(...(called ? marked(message.content, called.split("\n")) : linked(message.content)));
    if (words) showFiles(words, message.files, this.room.dataset.filesUrl!, this.room);
  }

  #moment(item: HTMLElement, at: string): void {
    const time = one<HTMLTimeElement>("time", item);
    if (time) time.dateTime = at;
    localTimes(item);
  }

  #place(item: HTMLElement, seq: number): void {
    const before = this.#precedes(item, seq);
    if (!item.parentElement || this.#before(item) !== before) {
      this.#takeOut(item);
      if (before) before.after(item);
      else this.list.prepend(item);
    }
    this.#separate(item);
    const follower = this.#after(item);
    if (follower) this.#separate(follower);
    this.receipts();
  }

  /** What it follows: the one before it in its room, and after that what was said earlier in the other room. */
  #precedes(item: HTMLElement, seq: number): HTMLElement | null {
    let before = this.#confirmed().findLast((other) => other !== item && Number(other.dataset.seq) < seq) ?? null;
    const at = Date.parse(momentOf(item));
    const isOther = (next: HTMLElement): boolean =>
      Boolean(next.dataset.merged) || (Boolean(next.dataset.seq) && !next.matches(this.#which));
    for (let next = this.#follower(before); next; next = this.#follower(next)) {
      if (next === item) continue;
      if (!isOther(next) || Date.parse(momentOf(next)) > at) break;
      before = next;
    }
    return before;
  }

  #follower(item: HTMLElement | null): HTMLElement | null {
    return item ? this.#after(item) : one(MESSAGE, this.list);
  }

  #after(item: HTMLElement): HTMLElement | null {
    let next = item.nextElementSibling as HTMLElement | null;
    while (next && !next.matches(MESSAGE)) next = next.nextElementSibling as HTMLElement | null;
    return next;
  }

  #before(item: HTMLElement): HTMLElement | null {
    let previous = item.previousElementSibling as HTMLElement | null;
    while (previous && !previous.matches(MESSAGE)) previous = previous.previousElementSibling as HTMLElement | null;
    return previous;
  }

  /** The line of its day does not stay behind alone. */
  #takeOut(item: HTMLElement): void {
    const follower = item.parentElement && this.#after(item);
    item.remove();
    if (follower) this.#separate(follower);
    else while (this.list.lastElementChild?.matches("[data-day]")) this.list.lastElementChild.remove();
  }

  /** Makes what stands between an item and the one before it right: the day's line, and whether it goes on from it. */
  #separate(item: HTMLElement): void {
    let previous = item.previousElementSibling as HTMLElement | null;
    let unread: HTMLElement | null = null;
    while (previous && (previous.hidden || !previous.matches(MESSAGE))) {
      const separator = previous;
      previous = previous.previousElementSibling as HTMLElement | null;
      if (separator.matches(MESSAGE)) continue;
      if (separator.hasAttribute("data-day")) separator.remove();
      else unread = separator;
    }
    const at = momentOf(item);
    const newDay = !item.hidden && dayOf(new Date(at)) !== this.#dayBefore(previous);
    if (newDay) (unread ?? item).before(this.#dayLine(at));
    const goesOn =
      !newDay &&
      !unread &&
      speakerOf(previous) === speakerOf(item) &&
      isNote(previous) === isNote(item) &&
      previous?.dataset.merged === item.dataset.merged &&
      item.matches(".message") &&
      momentOf(previous).slice(0, 15) === at.slice(0, 15);
    item.toggleAttribute("data-grouped", Boolean(goesOn));
    if (!goesOn) this.#mark(item);
  }

  /** What the server drew as going on has no mark of whoever speaks. */
  #mark(item: HTMLElement): void {
    if (!item.matches(".message:not([data-mine])") || one(".message-avatar", item)) return;
    const avatar = must(".message-avatar", copyElement('[data-message="other"]', this.room));
    avatar.textContent = initials(must(".message-author", item).textContent);
    item.prepend(avatar);
  }

  #dayBefore(previous: HTMLElement | null): number | null {
    let item = previous;
    while (item && (item.hidden || !item.matches(MESSAGE))) item = item.previousElementSibling as HTMLElement | null;
    return item ? dayOf(new Date(momentOf(item))) : null;
  }

  #dayLine(at: string): HTMLElement {
    const line = copyElement("[data-day-separator]", this.room);
    must<HTMLTimeElement>("time", line).dateTime = at;
    localTimes(line);
    return line;
  }
}
