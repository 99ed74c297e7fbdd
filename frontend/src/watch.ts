// Pages without a room of their own hear of every ticket that changes. What they make of it is theirs:
// the news goes round as events of the document.
import { one } from "./dom";
import type { TicketFrame } from "./frames";
import { Socket } from "./socket";
import { showTicket } from "./ticket";

const CHANGED = "parlour:ticket";
const MISSED = "parlour:missed";

export const onTicket = (listener: (frame: TicketFrame) => void): void =>
  document.addEventListener(CHANGED, (event) => listener((event as CustomEvent<TicketFrame>).detail));

/** The connection was away for a while: nobody knows what happened meanwhile. */
export const onMissed = (listener: () => void): void => document.addEventListener(MISSED, listener);

export function startWatch(): void {
  const url = one("[data-watch]")?.dataset.watch;
  if (!url) return;
  let greeted = false;
  const socket = new Socket(url, {
    frame: (frame) => {
      if (frame.t === "hello") {
        socket.send({ t: "watch" });
        if (greeted) document.dispatchEvent(new CustomEvent(MISSED));
        greeted = true;
      } else if (frame.t === "ticket") {
        showTicket(frame, false);
        document.dispatchEvent(new CustomEvent(CHANGED, { detail: frame }));
      }
    },
    state: () => undefined,
    ended: () => undefined,
  });
  socket.open();
}
