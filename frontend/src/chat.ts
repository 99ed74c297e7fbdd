// One room on the page: puts the socket, the feed, the outbox and the list together. A ticket's page
// at the desk has a second room behind its other tab, on the same socket.
import { announcer } from "./announce";
import { Api } from "./api";
import { attended, onAttention } from "./attention";
import { Composer } from "./composer";
import { Countdown } from "./countdown";
import { one, sentence } from "./dom";
import { Feed } from "./feed";
import type { Frame, Message, Place, Side } from "./frames";
import { History } from "./history";
import { MessageList } from "./messages";
import { type OtherRoom, otherRoom } from "./other_room";
import { Outbox, type Unsent } from "./outbox";
import { followPanel } from "./panel";
import { Presence } from "./presence";
import { Reading } from "./reading";
import { Socket } from "./socket";
import { news } from "./tab";
import { showTicket } from "./ticket";
import { askUnseen } from "./unseen";
import { announceTicket } from "./watch";

const POLL_AFTER = 3;

class Chat {
  readonly #id: string;
  readonly #side: Side;
  readonly #canWrite: boolean;
  readonly #messages: MessageList;
  readonly #reading: Reading;
  readonly #history: History;
  readonly #presence: Presence;
  readonly #composer: Composer;
  readonly #outbox: Outbox;
  readonly #feed: Feed;
  readonly #socket: Socket;
  readonly #other: OtherRoom | null;
  readonly #countdown: Countdown;
  #readTo = 0;
  #seenTo = 0;
  readonly #announce: (text: string) => void;
  #readTimer = 0;

  constructor(readonly room: HTMLElement) {
    const { room: id, side, me, chatUrl, socketUrl } = room.dataset as Record<string, string>;
    const api = new Api(chatUrl!);
    const memory = (what: string) => `parlour:${what}:${id}:${me}`;
    this.#id = id!;
    this.#side = side as Side;
    this.#canWrite = room.hasAttribute("data-can-write");
    this.#announce = announcer(room);
    this.#messages = new MessageList(room, this.#side, me!);
    this.#countdown = new Countdown(room);
    this.#reading = new Reading(room, () => this.#look());
    this.#history = new History(
      ...([room, api, this.#messages, this.#reading] as const),
      () => this.#feed.place.epoch,
      () => this.#feed.ask(),
    );
    this.#presence = new Presence(room, this.#side, me!, (text) => this.#announce(text));
    this.#outbox = new Outbox(memory("unsent"), api, this.#tray());
    this.#composer = new Composer(room, memory("draft"), {
      send: (content, then) => this.#send(content, then),
      typing: () => void this.#socket.send({ t: "typing", room: this.#id }),
    });
    const subscribe = (place: Place) => this.#socket.send({ t: "subscribe", room: this.#id, ...place });
    this.#other = otherRoom(me!, (request) => this.#socket.send(request));
    this.#feed = new Feed({ ...this.#messages.place, epoch: room.dataset.epoch! }, subscribe, api, this.#sink());
    this.#seenTo = this.#feed.last;
    this.#socket = new Socket(socketUrl!, {
      frame: (frame) => this.#frame(frame),
      state: (state, failures) => {
        this.#presence.connection(state);
        if (state === "offline" && failures >= POLL_AFTER && navigator.onLine) void this.#feed.poll();
      },
      ended: (why) => this.#presence.banner(why),
    });
    room.addEventListener("click", (event) => this.#click(event));
    onAttention(() => this.#look());
  }

  start(): void {
    this.#messages.own.forEach((own) => this.#outbox.arrived(own.client_id));
    this.#outbox.begin();
    this.#socket.open();
  }

  #sink() {
    return {
      add: (message: Message) => this.#add(message),
      reconcile: (message: Message) => this.#reading.steady(() => this.#messages.reconcile(message)),
      stands: (message: Message) => this.#messages.stands(message),
      oldestOwn: () => this.#messages.own[0]?.seq ?? Infinity,
      replace: (messages: Message[], more: boolean, lost: boolean) => this.#replace(messages, more, lost),
    };
  }

  #tray() {
    return {
      show: (...unsent: Parameters<MessageList["show"]>) => {
        this.#reading.steady(() => this.#messages.show(...unsent));
        this.#countdown.run();
      },
      sent: (message: Message, status: string | null, then: string) => {
        this.#feed.confirmed(message);
        this.#announce(sentence('[data-text="sent"]', this.room));
        if (status) this.#open(status);
        const after = then && one("[data-after]")?.dataset.after;
        if (after) location.assign(after);
      },
      refused: (unsent: Unsent, code: string, problems: Record<string, string>) => this.#refused(unsent, code, problems),
      gone: (clientId: string) => {
        // Sent by another tab, most likely, and on its way here. Else it was discarded there.
        void this.#feed.poll();
        window.setTimeout(() => this.#messages.forget(clientId), 5_000);
      },
    };
  }

  #frame(frame: Frame): void {
    this.#other?.frame(frame);
    if (frame.t === "hello") {
      this.#feed.begin();
      if (this.#side === "agent") this.#socket.send({ t: "watch" });
      return this.#other?.begin();
    }
    if (frame.t === "heads") return this.#feed.head(frame.rooms[this.#id] ?? 0);
    if (frame.t === "ticket") return this.#ticket(frame);
    if (!("room" in frame) || frame.room !== this.#id) return;
    if (frame.t === "subscribed") this.#subscribed(frame.epoch, frame.seen);
    else if (frame.t === "message") this.#feed.message(frame);
    else if (frame.t === "reset") void this.#feed.reload(frame.why === "history");
    else if (frame.t === "typing") this.#presence.typing(frame.side, frame.name);
    else if (frame.t === "presence") this.#presence.here(frame);
    else if (frame.t === "read" && frame.side !== this.#side) this.#messages.seenUpTo(frame.seq);
    else if (frame.t === "error" && frame.code === "not_found") this.#presence.banner("revoked");
  }

  #subscribed(epoch: string, seen: Record<Side, number>): void {
    this.#feed.subscribed(epoch);
    this.#messages.seenUpTo(seen[this.#side === "customer" ? "agent" : "customer"] ?? 0);
    this.#outbox.hurry();
    // A mark that was sent into a dying connection is sent again.
    this.#readTo = 0;
    this.#markRead();
  }

  /** What a person said here and is not there any more is offered to be sent again. */
  #replace(messages: Message[], more: boolean, lost: boolean): void {
    const before = lost ? this.#messages.own : [];
    this.#messages.replace(messages);
    this.#history.offer(more);
    this.#reading.end();
    this.#seenTo = this.#readTo = 0;
    const there = new Set(messages.map((message) => message.client_id));
    const from = more ? (messages[0]?.seq ?? 0) : 0;
    const gone = before.filter((own) => own.seq >= from && !there.has(own.client_id));
    if (gone.length) {
      this.#outbox.lost(gone, this.#composer.asksSeen ? { seen: 0 } : {});
      this.#announce(sentence('[data-text="gone"]', this.room));
    }
    messages.forEach((message) => message.client_id && this.#outbox.arrived(message.client_id));
    this.#look();
  }

  #ticket(frame: Extract<Frame, { t: "ticket" }>): void {
    announceTicket(frame);
    if (frame.ticket_id !== this.room.dataset.ticket) return;
    showTicket(frame, true);
    followPanel(frame);
    this.#open(frame.status);
  }

  /** Notes go on when the conversation is over. */
  #open(status: string): void {
    if (!this.room.hasAttribute("data-internal")) this.#composer.open(status !== "closed");
  }

  #send(content: string, then: string): void {
    const seconds = Number(this.room.dataset.undoSeconds ?? 0);
    const more = this.#composer.asksSeen ? { seen: this.#seenTo, ...(then && { then }) } : {};
    this.#reading.end();
    this.#outbox.add(content, more, seconds * 1_000);
    this.#reading.end();
    if (seconds) this.#announce(sentence('[data-text="undo-offered"]', this.room, { seconds: String(seconds) }));
  }

  /** What the server did not take. True when the text is back in the composer. */
  #refused(unsent: Unsent, code: string, problems: Record<string, string>): boolean {
    if (code === "ticket_closed") this.#composer.open(false);
    if (code === "unseen_message") void this.#askUnseen(unsent);
    if (code !== "placeholder") {
      this.#announce(this.#messages.reason(code));
      return false;
    }
    this.#messages.forget(unsent.client_id);
    const word = `{${problems.placeholder ?? ""}}`;
    this.#composer.giveBack(unsent.content, sentence('[data-problem="placeholder"]', this.room, { word }));
    return true;
  }

  async #askUnseen(unsent: Unsent): Promise<void> {
    await this.#feed.poll();
    askUnseen(this.room, this.#messages.saidAfter(unsent.seen ?? 0), {
      send: () => this.#again(unsent.client_id),
      edit: () => this.#takeBack(unsent.client_id),
    });
  }

  #again(clientId: string): void {
    this.#messages.forget(clientId);
    this.#reading.end();
    this.#look();
    this.#outbox.retry(clientId, this.#seenTo);
  }

  #takeBack(clientId: string): void {
    const unsent = this.#outbox.take(clientId);
    if (!unsent) return;
    this.#messages.forget(clientId);
    this.#composer.giveBack(unsent.content);
    if (unsent.state === "held") this.#announce(sentence('[data-text="undone"]', this.room));
  }

  #add(message: Message): void {
    let added = false;
    if (message.client_id) this.#outbox.arrived(message.client_id);
    this.#reading.steady(() => (added = this.#messages.put(message)));
    this.#presence.spoke(message.sender_type, message.sender_name);
    if (added && !this.#messages.isMine(message)) {
      if (message.sender_type !== "system") {
        if (message.sender_type !== this.#side) news();
        const values = { name: message.sender_name, content: message.content };
        this.#announce(sentence('[data-text="announcement"]', this.room, values));
      }
      this.#reading.offerEnd();
    }
    this.#look();
  }

  /** What stands at the end of a page that somebody attends to has been seen. */
  #look(): void {
    if (attended() && this.#reading.atEnd) {
      this.#seenTo = Math.max(this.#seenTo, this.#feed.last);
      this.#composer.seen(this.#seenTo);
    }
    this.#markRead();
  }

  /** Read is what somebody attends to, with the newest message in view. Viewers leave no mark. */
  #markRead(): void {
    clearTimeout(this.#readTimer);
    this.#readTimer = window.setTimeout(() => {
      const seq = this.#feed.last;
      if (!this.#canWrite || !attended() || !this.#reading.atEnd || seq <= this.#readTo) return;
      if (this.#socket.send({ t: "read", room: this.#id, seq })) this.#readTo = seq;
    }, 300);
  }

  #click(event: Event): void {
    const target = event.target as Element;
    const button = target.closest("[data-retry], [data-discard], [data-undo], [data-edit]");
    const clientId = button?.closest<HTMLElement>("li")?.dataset.clientId;
    if (!button || !clientId) return;
    if (button.matches("[data-undo], [data-edit]")) return this.#takeBack(clientId);
    if (button.hasAttribute("data-retry")) this.#again(clientId);
    else {
      this.#messages.forget(clientId);
      this.#outbox.discard(clientId);
    }
    one("textarea", this.room)?.focus();
  }
}

/** An older page, reached by its address, stays what it is: its composer posts and leads to the newest. */
export function startChat(): void {
  const room = one("[data-room][data-newest]");
  if (room) new Chat(room).start();
}
