// The ticket table while things happen: a row that changed is fetched again where it stands, all other
// news is only counted. No row moves while somebody looks at it.
import { linkOf } from "./choices";
import { all, copy, near, one, sentence } from "./dom";
import type { TicketFrame } from "./frames";
import { load, local, READ } from "./keep";
import { inUse, jitter, refresh } from "./refresh";
import { startSelection } from "./selection";
import { onMissed, onTicket } from "./watch";

const waiting = new Set<string>();
const elsewhere = new Set<string>();
let timer = 0;

const rowOf = (ticketId: string): HTMLElement | null => one(`[data-ticket-row="${CSS.escape(ticketId)}"]`);

/** As far as the news says: whether the ticket belongs into the list that is shown. */
function fits(list: HTMLElement, frame: TicketFrame): boolean {
  const { statuses, priorityIs, assigneeIs } = list.dataset;
  if ("searchResults" in list.dataset) return false;
  if (statuses && !statuses.split(" ").includes(frame.status)) return false;
  if (priorityIs && priorityIs !== frame.priority) return false;
  return !assigneeIs || assigneeIs === (frame.assignee_id ?? "nobody");
}

function offer(text: string): void {
  const button = one("[data-updates]");
  const words = one("[data-updates-text]");
  if (!button || !words) return;
  words.textContent = text;
  button.hidden = false;
  (button as HTMLAnchorElement).href = location.href;
}

const count = (): void =>
  offer(
    elsewhere.size === 1
      ? sentence("[data-updates-one]", document)
      : sentence("[data-updates-many]", document, { count: String(elsewhere.size) }),
  );

/** One after the other: a change of a hundred tickets is not answered with a hundred requests at once. */
async function work(): Promise<void> {
  for (const ticketId of waiting) {
    const row = rowOf(ticketId);
    if (row && inUse(row)) continue;
    waiting.delete(ticketId);
    const link = row && linkOf(row);
    if (link) await refresh(row, `${link.pathname}/row`).catch(() => undefined);
  }
  timer = waiting.size ? window.setTimeout(() => void work(), 1_000) : 0;
}

function fetchSoon(ticketId: string): void {
  waiting.add(ticketId);
  timer ||= window.setTimeout(() => void work(), jitter());
}

function changed(frame: TicketFrame): void {
  const list = one("[data-list]");
  if (!list) return;
  if (rowOf(frame.ticket_id)) {
    fetchSoon(frame.ticket_id);
  } else if (fits(list, frame)) {
    elsewhere.add(frame.ticket_id);
    count();
  }
}

/** What the search found in a ticket is not in the row that comes alone: it stays. */
function keepExcerpts(): void {
  let excerpt: { row: string; element: Element } | null = null;
  const rowIn = (event: Event) => near(event, "[data-ticket-row]");
  document.addEventListener("htmx:before:swap", (event) => {
    const row = rowIn(event);
    const element = row && one("[data-excerpt]", row);
    excerpt = row && element ? { row: row.id, element: element.cloneNode(true) as Element } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    const row = excerpt && document.getElementById(excerpt.row);
    if (excerpt && row && !one("[data-excerpt]", row)) one("th", row)?.append(excerpt.element);
    excerpt = null;
  });
}

/** Typing searches by itself; choosing a number of rows needs no button. */
function startFilters(): void {
  let pause = 0;
  document.addEventListener("input", (event) => {
    const field = near<HTMLInputElement>(event, "[data-search]");
    if (!field) return;
    clearTimeout(pause);
    pause = window.setTimeout(() => field.form?.requestSubmit(), 300);
  });
  document.addEventListener("change", (event) => {
    near<HTMLFormElement>(event, "form[data-submit-on-change]")?.requestSubmit();
  });
}

/** The strip of views may be longer than the window. */
function showCurrentView(): void {
  const strip = one("#views nav");
  const current = strip && one("a[aria-current]", strip);
  if (!strip || !current || strip.scrollWidth <= strip.clientWidth) return;
  strip.scrollLeft = current.offsetLeft - (strip.clientWidth - current.offsetWidth) / 2;
}

export function startTable(): void {
  if (!one("[data-list]")) return;
  onTicket(changed);
  onMissed(() => {
    for (const row of all("[data-ticket-row]")) fetchSoon(row.dataset.ticketRow ?? "");
    if (copy("[data-updates-some]")) offer(sentence("[data-updates-some]", document));
  });
  addEventListener("storage", ({ key }) => {
    const read = key === READ && load<{ ticket: string }>(local, READ);
    // The server stores marks that follow each other once a second.
    if (read && rowOf(read.ticket)) setTimeout(() => fetchSoon(read.ticket), 1_000);
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (!near(event, "#filters")) return;
    elsewhere.clear();
    one("[data-updates]")?.setAttribute("hidden", "");
  });
  showCurrentView();
  document.addEventListener("htmx:after:swap", showCurrentView);
  keepExcerpts();
  startFilters();
  startSelection();
}
