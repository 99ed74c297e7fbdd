// Live changes of a ticket: every place on the page that shows its status or priority follows.
import type { TicketFrame } from "./frames";
import { all, copy } from "./dom";

function badges(kind: "status" | "priority", ticketId: string, value: string): void {
  for (const place of all(`[data-ticket-${kind}="${CSS.escape(ticketId)}"]`)) {
    const badge = copy(`[data-${kind}-badge="${CSS.escape(value)}"]`);
    if (badge && place.textContent.trim() !== badge.textContent.trim()) place.replaceChildren(badge);
  }
}

/**
 * The forms beside the conversation follow too, so that nobody decides on what is no longer so.
 * One that is being changed right now keeps its old version: its sender is told of the conflict.
 */
function forms(frame: TicketFrame): void {
  const values: Record<string, string> = {
    status: frame.status,
    priority: frame.priority ?? "",
    assignee: frame.assignee_id ?? "",
  };
  for (const form of all<HTMLFormElement>("form[data-inline]")) {
    const version = form.elements.namedItem("version");
    const choice = all<HTMLSelectElement>("select", form).find((select) => select.name in values);
    if (!(version instanceof HTMLInputElement) || !choice || form.contains(document.activeElement)) continue;
    if (frame.version === undefined || Number(version.value) >= frame.version) continue;
    version.value = String(frame.version);
    choice.value = values[choice.name]!;
    // Nothing becomes new again.
    if (choice.name === "status" && frame.status !== "new") choice.querySelector('option[value="new"]')?.remove();
    // What a later reset of the form goes back to.
    for (const option of choice.options) option.defaultSelected = option.selected;
  }
}

export function showTicket(frame: TicketFrame, alone: boolean): void {
  badges("status", frame.ticket_id, frame.status);
  if (frame.priority) badges("priority", frame.ticket_id, frame.priority);
  if (alone) forms(frame);
}
