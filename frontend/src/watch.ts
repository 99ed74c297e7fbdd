// Pages of the desk hear of every ticket that changes. What they make of it is theirs: the news goes round
// as events of the document. A page with a room hears it on the room's own socket.
import { comingBack, copy, one } from "./dom";
import type { BellFrame, TicketFrame } from "./frames";
import { Socket } from "./socket";
import { showTicket } from "./ticket";

const CHANGED = "parlour:ticket";
const BELL = "parlour:bell";
const MISSED = "parlour:missed";

export const onTicket = (listener: (frame: TicketFrame) => void): void =>
  document.addEventListener(CHANGED, (event) => listener((event as CustomEvent<TicketFrame>).detail));

export const announceTicket = (frame: TicketFrame): void =>
  void document.dispatchEvent(new CustomEvent(CHANGED, { detail: frame }));

/** What this agent was told of has changed. */
export const onBell = (listener: (frame: BellFrame) => void): void =>
  document.addEventListener(BELL, (event) => listener((event as CustomEvent<BellFrame>).detail));

export const announceBell = (frame: BellFrame): void =>
  void document.dispatchEvent(new CustomEvent(BELL, { detail: frame }));

/** The connection was away for a while: nobody knows what happened meanwhile. */
export const onMissed = (listener: () => void): void => document.addEventListener(MISSED, listener);

export function startWatch(): void {
  const url = one("[data-watch]")?.dataset.watch;
  if (!url || one("[data-room]")) return;
  let greeted = false;
  const socket = new Socket(url, {
    frame: (frame) => {
      if (frame.t === "hello") {
        socket.send({ t: "watch" });
        if (greeted) document.dispatchEvent(new CustomEvent(MISSED));
        greeted = true;
      } else if (frame.t === "ticket") {
        showTicket(frame, false);
        announceTicket(frame);
      } else if (frame.t === "bell") {
        announceBell(frame);
      }
    },
    state: () => undefined,
    ended: (why) => {
      const note = copy(`[data-ended="${why}"]`);
      if (note) one("[data-toasts]")?.append(comingBack(note));
    },
  });
  socket.open();
}
