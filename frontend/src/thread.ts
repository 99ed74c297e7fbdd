// One room of the conversation on the page: its messages, what is sent to it, and how far it has been read. At the
// desk the notes are a second one in the same list.
import { Api } from "./api";
import { attended } from "./attention";
import { Composer } from "./composer";
import { one, said } from "./dom";
import type { Face } from "./faces";
import { Feed } from "./feed";
import type { Attachment, Message, Place, Request, Side } from "./frames";
import { local, READ, save } from "./keep";
import { MessageList } from "./messages";
import { Outbox, type Unsent } from "./outbox";
import type { Reading } from "./reading";
import type { Ending } from "./socket";
import { askUnseen } from "./unseen";

/** What is the same for all rooms of a page. */
export interface Surroundings {
  readonly room: HTMLElement;
  readonly side: Side;
  readonly me: string;
  readonly reading: Reading;
  tell(request: Request): boolean;
  announce(text: string): void;
  spoke(message: Message): void;
  came(message: Message, notes: boolean): void;
  replaced(more: boolean): void;
  waiting(): void;
  status(status: string): void;
  over(why: Ending): void;
}

export interface Room {
  id: string;
  url: string;
  head: number;
  notes: boolean;
}

const mostFiles = (room: HTMLElement): number => Number(one("[data-files-most]", room)?.dataset.filesMost);
const UNSEEN = ["unseen_message", "unseen_answer"];
/** Refusals after which nothing more can be sent from this page, and what it then says at its top. */
const OVER: Record<string, Ending> = { signed_out: "signed_out", no_access: "revoked" };

export class Thread {
  readonly id: string;
  readonly notes: boolean;
  readonly messages: MessageList;
  readonly feed: Feed;
  readonly #composer: Composer;
  readonly #outbox: Outbox;
  #readTo = 0;
  #seenTo: number;
  /** A colleague's answer that came while one was writing has not been seen, wherever one looked. */
  #answered = Infinity;
  #readTimer = 0;

  constructor(
    readonly page: Surroundings,
    { id, url, head, notes }: Room,
  ) {
    const { room, side, me } = page;
    const api = new Api(url);
    const memory = (what: string) => `parlour:${what}:${id}:${me}`;
    this.id = id;
    this.notes = notes;
    this.messages = new MessageList(room, side, me, notes);
    this.#outbox = new Outbox(memory("unsent"), api, this.#tray(), mostFiles(room));
    this.#composer = new Composer(room, this.#face, memory("draft"), {
      send: (...what) => this.#send(...what),
      announce: (text) => page.announce(text),
      typing: () => void page.tell({ t: "typing", room: id }),
      emptied: () => this.#emptied(),
    });
    const subscribe = (place: Place) => page.tell({ t: "subscribe", room: id, ...place });
    const place = { ...this.messages.place(head), epoch: room.dataset.epoch! };
    this.feed = new Feed(place, subscribe, api, this.#sink());
    this.#seenTo = this.feed.last;
  }

  get #face(): Face {
    return this.notes ? "note" : "reply";
  }

  start(): void {
    this.messages.own.forEach((own) => this.#outbox.arrived(own.client_id));
    this.#outbox.begin();
  }

  #sink() {
    return {
      add: (message: Message) => this.#add(message),
      reconcile: (message: Message) => this.page.reading.steady(() => this.messages.reconcile(message)),
      stands: (message: Message) => this.messages.stands(message),
      oldestOwn: () => this.messages.own[0]?.seq ?? Infinity,
      replace: (messages: Message[], more: boolean, lost: boolean) => this.#replace(messages, more, lost),
    };
  }

  #tray() {
    return {
      show: (...unsent: Parameters<MessageList["show"]>) => {
        this.page.reading.steady(() => this.messages.show(...unsent));
        this.page.waiting();
      },
      sent: (message: Message, status: string | null, then: string) => {
        this.feed.confirmed(message);
        this.#say(this.notes ? "note-sent" : "sent");
        if (status) this.page.status(status);
        const after = then && one("[data-after]")?.dataset.after;
        if (after) location.assign(after);
      },
      refused: (unsent: Unsent, code: string) => this.#refused(unsent, code),
      gone: (clientId: string) => {
        // Sent by another tab, most likely, and on its way here. Else it was discarded there.
        void this.feed.poll();
        window.setTimeout(() => this.messages.forget(clientId), 5_000);
      },
    };
  }

  #say(text: string, values: Record<string, string> = {}): void {
    this.page.announce(said(`[data-text="${text}"]`, this.page.room, values));
  }

  subscribed(epoch: string, seen: Record<Side, number>): void {
    this.feed.subscribed(epoch);
    this.messages.seenUpTo(seen[this.page.side === "customer" ? "agent" : "customer"] ?? 0);
    this.#outbox.hurry();
    void this.messages.askScans(this.feed.api);
    // A mark that was sent into a dying connection is sent again.
    this.#readTo = 0;
    this.#markRead();
  }

  /** What a person said here and is not there any more is offered to be sent again. */
  #replace(messages: Message[], more: boolean, lost: boolean): void {
    const before = lost ? this.messages.own : [];
    this.messages.replace(messages);
    this.page.replaced(more);
    this.page.reading.end();
    this.#seenTo = this.#readTo = 0;
    const there = new Set(messages.map((message) => message.client_id));
    const from = more ? (messages[0]?.seq ?? 0) : 0;
    const gone = before.filter((own) => own.seq >= from && !there.has(own.client_id));
    if (gone.length) {
      this.#outbox.lost(gone, this.#composer.asksSeen ? { seen: 0 } : {});
      this.#say("gone");
    }
    messages.forEach((message) => message.client_id && this.#outbox.arrived(message.client_id));
    this.look();
  }

  /** Notes go on when the conversation is over. */
  open(open: boolean): void {
    if (!this.notes) this.#composer.open(open);
  }

  #send(content: string, files: Attachment[], then: string): void {
    const { reading, room } = this.page;
    const seconds = this.notes ? 0 : Number(room.dataset.undoSeconds ?? 0);
    const more = this.#composer.asksSeen ? { seen: this.#seenTo, ...(then && { then }) } : {};
    reading.end();
    this.#outbox.add(content, { ...more, ...(files.length && { files }) }, seconds * 1_000);
    reading.end();
    this.#answered = Infinity;
    if (seconds) this.#say("undo-offered", { seconds: String(seconds) });
  }

  /** What the server did not take. */
  #refused(unsent: Unsent, code: string): void {
    if (code === "ticket_closed") this.open(false);
    if (UNSEEN.includes(code)) void this.#askUnseen(unsent, code);
    if (OVER[code]) this.page.over(OVER[code]);
    this.page.announce(this.messages.reason(code));
  }

  async #askUnseen(unsent: Unsent, code: string): Promise<void> {
    await this.feed.poll();
    askUnseen(this.page.room, code, this.messages.saidAfter(unsent.seen ?? 0), {
      send: () => this.again(unsent.client_id),
      edit: () => this.takeBack(unsent.client_id),
    });
  }

  again(clientId: string): void {
    this.messages.forget(clientId);
    this.page.reading.end();
    this.look();
    this.#outbox.retry(clientId, this.#seenTo);
  }

  takeBack(clientId: string): void {
    const unsent = this.#outbox.take(clientId);
    if (!unsent) return;
    this.messages.forget(clientId);
    one(`[data-face="${this.#face}"]`)?.click();
    this.#composer.giveBack(unsent.content, unsent.files ?? [], unsent.code === "files_gone");
    this.look();
    if (unsent.state === "held") this.#say("undone");
  }

  discard(clientId: string): void {
    this.messages.forget(clientId);
    this.#outbox.discard(clientId);
  }

  #add(message: Message): void {
    let added = false;
    if (message.client_id) this.#outbox.arrived(message.client_id);
    this.page.reading.steady(() => (added = this.messages.put(message)));
    this.page.spoke(message);
    if (added && !this.messages.isMine(message)) {
      const blind = this.#composer.asksSeen && message.sender_type === "agent" && this.#composer.written;
      if (blind) this.#answered = Math.min(this.#answered, message.seq);
      this.page.came(message, this.notes);
    }
    this.look();
  }

  #emptied(): void {
    this.#answered = Infinity;
    this.look();
  }

  /** What stands at the end of a page that somebody attends to has been seen. */
  look(): void {
    if (attended() && this.page.reading.atEnd) {
      this.#seenTo = Math.max(this.#seenTo, Math.min(this.feed.last, this.#answered - 1));
      this.#composer.seen(this.#seenTo);
    }
    this.#markRead();
  }

  /** Read is what somebody attends to, with the newest message in view. A viewer's leaves no mark in the room. */
  #markRead(): void {
    clearTimeout(this.#readTimer);
    this.#readTimer = window.setTimeout(() => {
      const seq = this.feed.last;
      if (!attended() || !this.page.reading.atEnd || seq <= this.#readTo) return;
      if (!this.page.tell({ t: "read", room: this.id, seq })) return;
      this.#readTo = seq;
      if (this.page.side === "agent") save(local, READ, { ticket: this.page.room.dataset.ticket, seq });
    }, 300);
  }

  /** Takes in an older page's message, wherever in the list it belongs. */
  put(message: Message): void {
    this.messages.put(message);
  }

  /** The number below which the next older page ends. */
  get before(): number {
    return this.messages.first || this.feed.last + 1;
  }
}
