// The panel beside the conversation fetches itself again when the ticket has changed elsewhere, its
// history and all; never while somebody is choosing something in it.
import { all, one } from "./dom";
import type { TicketFrame } from "./frames";
import { onTicket } from "./watch";

const TAKING = "input[name=tag], input[name=participant]";

let timer = 0;
/** The form in the panel in which somebody acted. */
let acted = "";

function followPanel(frame: TicketFrame): void {
  clearTimeout(timer);
  // An own change answers with the panel itself: give it the time to.
  timer = window.setTimeout(() => refresh(frame), 600);
}

/**
 * Without a script the fields belong to the composer's form; with one, each to the form that it stands in. The server
 * learns where the reader is, so that a morning is the reader's.
 */
function takeFields(): void {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  for (const field of all<HTMLInputElement>("[data-zone]")) field.value = timeZone;
  for (const field of all("[data-panel] form[data-inline] [form]")) field.removeAttribute("form");
}

export function startPanel(): void {
  onTicket((frame) => one("[data-panel]")?.dataset.panel === frame.ticket_id && followPanel(frame));
  takeFields();
  document.addEventListener("htmx:before:swap", () => {
    acted = document.activeElement?.closest<HTMLFormElement>("[data-panel] form")?.getAttribute("action") ?? "";
  });
  document.addEventListener("htmx:after:swap", () => {
    takeFields();
    // What was taken does not stay in its field.
    for (const field of all<HTMLInputElement>(`[data-panel] :is(${TAKING}):not([aria-invalid])`)) field.value = "";
    keepFocus();
  });
}

/** A button that went with what it took away, or behind what was closed, leaves the focus with its form. */
function keepFocus(): void {
  const at = document.activeElement;
  if (!acted || (at && at !== document.body && at.checkVisibility())) return;
  const form = one(`[data-panel] form[action="${CSS.escape(acted)}"]`);
  const places = form ? [...all(`:is(input, select, button):not([tabindex="-1"])`, form), one("summary", form.closest("details") ?? form)] : [];
  places.find((place) => place?.checkVisibility())?.focus();
}

function refresh(frame: TicketFrame): void {
  const panel = one("[data-panel]");
  if (!panel || panel.dataset.panel !== frame.ticket_id || Number(panel.dataset.version) >= (frame.version ?? 0)) return;
  if (panel.contains(document.activeElement)) {
    panel.addEventListener("focusout", () => followPanel(frame), { once: true });
    return;
  }
  panel.dispatchEvent(new Event("refresh"));
}
