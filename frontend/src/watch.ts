// Lists of tickets: what changes elsewhere changes its badges here. Rows never move under somebody's
// hand; a link offers the fresh list instead.
import { one } from "./dom";
import type { TicketFrame } from "./frames";
import { Socket } from "./socket";
import { showTicket } from "./ticket";

export function startWatch(): void {
  const url = one("[data-watch]")?.dataset.watch;
  if (!url) return;
  const changed = (frame: TicketFrame) => {
    showTicket(frame, false);
    const offer = one("[data-updates]");
    if (offer) offer.hidden = false;
  };
  const socket = new Socket(url, {
    frame: (frame) => {
      if (frame.t === "hello") socket.send({ t: "watch" });
      else if (frame.t === "ticket") changed(frame);
    },
    state: () => undefined,
    ended: () => undefined,
  });
  socket.open();
}
