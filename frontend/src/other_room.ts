// The room behind the other tab of a ticket: whether something new waits there, who is there, who writes.
import type { Frame, Message, Place, Request } from "./frames";
import { copy, must, one } from "./dom";

const TYPING_LASTS = 5_000;

export class OtherRoom {
  readonly id: string;
  readonly #unread: HTMLElement;
  readonly #sign: HTMLElement;
  #place: Place;
  #customer = false;
  #typing = 0;

  constructor(
    tab: HTMLElement,
    readonly me: string,
    readonly tell: (request: Request) => boolean,
  ) {
    this.id = tab.dataset.tabRoom!;
    this.#place = { after: Number(tab.dataset.tabHead), epoch: tab.dataset.tabEpoch! };
    this.#unread = must("[data-tab-unread]", tab);
    this.#sign = must("[data-tab-sign]", tab);
  }

  /** From where we are: only what is new makes it unread. */
  begin(): void {
    this.tell({ t: "subscribe", room: this.id, ...this.#place, aside: true });
  }

  frame(frame: Frame): void {
    if (frame.t === "heads" && (frame.rooms[this.id] ?? 0) > this.#place.after) this.begin();
    if (!("room" in frame) || frame.room !== this.id) return;
    if (frame.t === "message") this.#message(frame);
    else if (frame.t === "reset") this.#reset(frame);
    else if (frame.t === "typing") this.#writes();
    else if (frame.t === "presence") {
      this.#customer = frame.customer;
      this.#show();
    }
  }

  #message(message: Message): void {
    if (message.seq <= this.#place.after) return;
    this.#place = { ...this.#place, after: message.seq, message_id: message.message_id };
    if (message.sender_type === "system") return;
    clearTimeout(this.#typing);
    this.#typing = 0;
    this.#show();
    if (message.sender_id !== this.me) this.#unread.hidden = false;
  }

  /** Too much is new to be counted; or the room went back in time, which makes nothing new. */
  #reset(frame: Extract<Frame, { t: "reset" }>): void {
    this.#place = { after: frame.head, epoch: frame.epoch };
    if (frame.why === "behind") this.#unread.hidden = false;
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
