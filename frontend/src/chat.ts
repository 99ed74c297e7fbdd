// The conversation on a page: puts the socket, the rooms in the list, and the lines around it together.
import { announcer } from "./announce";
import { Api } from "./api";
import { onAttention } from "./attention";
import { Countdown } from "./countdown";
import { Deliveries } from "./deliveries";
import { apart, copy, must, near, one, said } from "./dom";
import { scanned } from "./files";
import type { Frame, Message, Request, Side } from "./frames";
import { History } from "./history";
import { calledIn } from "./names";
import { startPictures } from "./pictures";
import { Presence } from "./presence";
import { Reading } from "./reading";
import { type Ending, Socket } from "./socket";
import { news } from "./tab";
import { type Room, type Surroundings, Thread } from "./thread";
import { showTicket } from "./ticket";
import { announceBell, announceTicket } from "./watch";

const POLL_AFTER = 3;

/** The public room, and at the desk that of the notes. */
function roomsOf({ dataset }: HTMLElement): Room[] {
  const rooms = [{ id: dataset.room!, url: dataset.chatUrl!, head: Number(dataset.head), notes: false }];
  if (dataset.notesRoom) {
    rooms.push({ id: dataset.notesRoom, url: dataset.notesUrl!, head: Number(dataset.notesHead), notes: true });
  }
  return rooms;
}

class Chat implements Surroundings {
  readonly side: Side;
  readonly me: string;
  readonly reading: Reading;
  readonly #threads: Thread[];
  readonly #history: History;
  readonly #presence: Presence;
  readonly #socket: Socket;
  readonly #countdown: Countdown;
  /** Agents' alone. */
  readonly #deliveries: Deliveries | null;
  readonly announce: (text: string) => void;

  constructor(readonly room: HTMLElement) {
    const { side, me, socketUrl, pageUrl } = room.dataset as Record<string, string>;
    const api = new Api(new URL(pageUrl!, location.href).pathname);
    this.side = side as Side;
    this.me = me!;
    this.announce = announcer(room);
    this.#countdown = new Countdown(room);
    this.#deliveries = this.side === "agent" ? new Deliveries(room) : null;
    this.reading = new Reading(room, () => this.#look());
    this.#presence = new Presence(room, this.side, this.me, (text) => this.announce(text));
    this.#threads = roomsOf(room).map((each) => new Thread(this, each));
    this.#history = new History(room, this.reading, {
      query: () => this.#before(),
      load: () => api.page(this.#before()),
      put: (messages) => {
        messages.forEach((message) => this.#thread(message.room)?.put(message));
        this.#looksFrom(messages);
      },
      epoch: () => this.#public.feed.place.epoch,
      changed: () => this.#threads.forEach((thread) => thread.feed.ask()),
    });
    this.#socket = new Socket(socketUrl!, {
      frame: (frame) => this.#frame(frame),
      state: (state, failures) => {
        this.#presence.connection(state);
        if (state === "offline" && failures >= POLL_AFTER && navigator.onLine) {
          this.#threads.forEach((thread) => void thread.feed.poll());
        }
      },
      ended: (why) => this.over(why),
    });
    room.addEventListener("click", (event) => this.#click(event));
    onAttention(() => this.#look());
  }

  start(): void {
    this.#threads.forEach((thread) => thread.start());
    this.#socket.open();
  }

  get #public(): Thread {
    return this.#threads[0]!;
  }

  #thread(id: string): Thread | undefined {
    return this.#threads.find((thread) => thread.id === id);
  }

  /** Where the next older page ends: each room has its own numbers. */
  #before(): string {
    return this.#threads.map((thread) => `${thread.notes ? "notes" : "before"}=${thread.before}`).join("&");
  }

  #look(): void {
    this.#threads?.forEach((thread) => thread.look());
  }

  tell(request: Request): boolean {
    return this.#socket.send(request);
  }

  #frame(frame: Frame): void {
    if (frame.t === "hello") {
      this.#threads.forEach((thread) => thread.feed.begin());
      if (this.side === "agent") this.#socket.send({ t: "watch" });
    } else if (frame.t === "heads") this.#threads.forEach(({ id, feed }) => feed.head(frame.rooms[id] ?? 0));
    else if (frame.t === "ticket") this.#ticket(frame);
    else if (frame.t === "bell") announceBell(frame);
    else if ("room" in frame && frame.room) this.#inRoom(frame, this.#thread(frame.room));
  }

  #inRoom(frame: Frame, thread: Thread | undefined): void {
    if (!thread) return;
    if (frame.t === "subscribed") {
      thread.subscribed(frame.epoch, frame.seen);
      if (!thread.notes) this.#deliveries?.connected();
      // The files beside the conversation may be older than what stands in it.
      if (!thread.notes) one("#ticket-files:has([data-scan-of])")?.closest("details")?.dispatchEvent(new Event("toggle"));
    } else if (frame.t === "mail") this.#deliveries?.changed(frame.after, frame.upto);
    else if (frame.t === "file") scanned(frame.file_id, frame.scan, this.room);
    else if (frame.t === "message") thread.feed.message(frame);
    else if (frame.t === "reset") void thread.feed.reload(frame.why === "history");
    else if (frame.t === "typing") this.#presence.typing(frame.side, calledIn(this.room, frame.name));
    else if (frame.t === "presence" && !thread.notes) this.#presence.here(frame);
    else if (frame.t === "read" && frame.side !== this.side) thread.messages.seenUpTo(frame.seq);
    else if (frame.t === "error" && frame.code === "not_found") this.#presence.banner("revoked");
  }

  /** At the mails of an older page's messages. */
  #looksFrom(messages: Message[]): void {
    const seqs = messages.filter((message) => message.room === this.#public.id).map((message) => message.seq);
    if (seqs.length) this.#deliveries?.changed(Math.min(...seqs) - 1, Math.max(...seqs));
  }

  #ticket(frame: Extract<Frame, { t: "ticket" }>): void {
    announceTicket(frame);
    if (frame.ticket_id !== this.room.dataset.ticket) return;
    showTicket(frame, true);
    this.status(frame.status);
  }

  status(status: string): void {
    this.#threads.forEach((thread) => thread.open(status !== "closed"));
  }

  over(why: Ending): void {
    this.#presence.banner(why);
  }

  waiting(): void {
    this.#countdown.run();
  }

  /** With two rooms, the other one may still go further back. */
  replaced(more: boolean): void {
    this.#deliveries?.look();
    this.#history.offer(more || (this.#threads.length > 1 && this.#history.offered));
  }

  spoke(message: Message): void {
    this.#presence.spoke(message.sender_type, calledIn(this.room, message.sender_name));
  }

  came(message: Message, notes: boolean): void {
    if (message.sender_type !== "system") {
      if (message.sender_type !== this.side && !("blocked" in this.room.dataset)) news();
      const values = { name: calledIn(this.room, message.sender_name), content: message.content || message.files.map((file) => apart(file.name)).join(", ") };
      this.announce(said(`[data-text="${notes ? "note-announcement" : "announcement"}"]`, this.room, values));
    } else if (!notes) this.#merged(message);
    this.reading.offerEnd();
  }

  /** It went into another ticket, or out of it again: what follows from that is on the page once it is drawn anew. */
  #merged({ content, message_id }: Message): void {
    const kind = /^(merged_into|unmerged):/.exec(content)?.[1];
    if (!kind) return;
    const drawn = "merged" in this.room.dataset ? "merged_into" : "unmerged";
    const banner = kind === drawn ? null : copy('[data-banner-for="protocol"]', this.room);
    const sentence = one(`li[data-id="${message_id}"] [data-field="sentence"]`, this.room);
    if (banner) must("p", banner).textContent = sentence?.textContent ?? "";
    one("[data-banner]", this.room)?.replaceChildren(banner ?? "");
  }

  #click(event: Event): void {
    const button = near(event, "[data-retry], [data-discard], [data-undo], [data-edit]");
    const item = button?.closest<HTMLElement>("li");
    const clientId = item?.dataset.clientId;
    const thread = this.#threads.find(({ notes }) => notes === item?.hasAttribute("data-internal"));
    if (!button || !clientId || !thread) return;
    if (button.matches("[data-undo], [data-edit]")) return thread.takeBack(clientId);
    if (button.hasAttribute("data-retry")) thread.again(clientId);
    else thread.discard(clientId);
    one(".composer-face:not([data-behind]) textarea", this.room)?.focus();
  }
}

/** An older page, reached by its address, stays what it is: its composer posts and leads to the newest. */
export function startChat(): void {
  const room = one("[data-room][data-newest]");
  if (room) new Chat(room).start();
  else if (one("[data-room]")) void import("./attach_form.js");
  startPictures();
}
