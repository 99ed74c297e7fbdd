// The dashboard keeps itself up to date.
import { one } from "./dom";
import { refreshSoon } from "./refresh";
import { onMissed, onTicket } from "./watch";

export function startDashboard(): void {
  if (!one("[data-overview]")) return;
  const soon = refreshSoon("#overview", (part) => part.dataset.overview);
  onTicket(soon);
  onMissed(soon);
}
