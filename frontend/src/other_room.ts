// The room behind the other tab of a ticket: whether something new waits there, who is there, who writes.
import type { Frame, Message, Request } from "./frames";
import { copy, must, one } from "./dom";

const TYPING_LASTS = 5_000;

export class OtherRoom {
  readonly id: string;
  readonly #unread: HTMLElement;
  readonly #sign: HTMLElement;
  #last: number;
  #customer = false;
  #typing = 0;

  constructor(
    tab: HTMLElement,
    readonly me: string,
    readonly tell: (request: Request) => boolean,
  ) {
    this.id = tab.dataset.tabRoom!;
    this.#last = Number(tab.dataset.tabHead);
    this.#unread = must("[data-tab-unread]", tab);
    this.#sign = must("[data-tab-sign]", tab);
  }

  /** From where we are: only what is new makes it unread. */
  begin(): void {
    this.tell({ t: "subscribe", room: this.id, after: this.#last, aside: true });
  }

  frame(frame: Frame): void {
    if (frame.t === "heads" && (frame.rooms[this.id] ?? 0) > this.#last) this.begin();
    if (!("room" in frame) || frame.room !== this.id) return;
    if (frame.t === "message") this.#message(frame);
    else if (frame.t === "reset") this.#news(frame.head);
    else if (frame.t === "typing") this.#writes();
    else if (frame.t === "presence") {
      this.#customer = frame.customer;
      this.#show();
    }
  }

  #message(message: Message): void {
    if (message.seq <= this.#last) return;
    this.#last = message.seq;
    if (message.sender_type === "system") return;
    clearTimeout(this.#typing);
    this.#typing = 0;
    this.#show();
    if (message.sender_id !== this.me) this.#news(message.seq);
  }

  #news(seq: number): void {
    this.#last = seq;
    this.#unread.hidden = false;
  }

  #writes(): void {
    clearTimeout(this.#typing);
    this.#typing = window.setTimeout(() => {
      this.#typing = 0;
      this.#show();
    }, TYPING_LASTS);
    this.#show();
  }

  #show(): void {
    const sign = this.#typing ? "[data-tab-typing]" : this.#customer ? "[data-tab-customer]" : "";
    if (this.#sign.dataset.shows === sign) return;
    this.#sign.dataset.shows = sign;
    this.#sign.replaceChildren(...[sign ? copy(sign) : null].filter((node) => node !== null));
  }
}

export function otherRoom(me: string, tell: (request: Request) => boolean): OtherRoom | null {
  const tab = one("[data-tab-room]");
  return tab && new OtherRoom(tab, me, tell);
}
