// The views beside the page: which of them it shows, and how many tickets each holds by now.
import htmx from "htmx.org";
import { ring } from "./bell";
import { all, one } from "./dom";
import { jitter } from "./refresh";
import { onBell, onMissed, onTicket } from "./watch";

/** Every page of every agent hears of each change: once in so many milliseconds is often enough. */
const PAUSE = 5_000;

let timer = 0;
let last = -PAUSE;

async function count(): Promise<void> {
  timer = 0;
  const url = one("[data-views]")?.dataset.views;
  if (!url) return;
  if (document.hidden) return void document.addEventListener("visibilitychange", soon, { once: true });
  last = performance.now();
  const shown = document.createElement("div");
  shown.hidden = true;
  document.body.append(shown); // what stands in no page is not filled
  const request = { source: document.body, target: shown, swap: "innerHTML" };
  await htmx.ajax("GET", url, request as Parameters<typeof htmx.ajax>[2]).catch(() => undefined);
  shown.remove();
  const unread = one("#views > [data-bell]", shown);
  if (unread) ring(unread);
  for (const each of all("#views > [data-view]", shown)) {
    for (const place of all(`.view-list [data-view="${each.dataset.view}"] > b`)) {
      place.textContent = each.textContent;
    }
  }
}

function soon(): void {
  timer ||= window.setTimeout(() => void count(), Math.max(jitter(), last + PAUSE - performance.now()));
}

/** A list that one narrows is a view of its own, or becomes another. */
function mark(): void {
  const shown = new URLSearchParams(location.search);
  if (!one("[data-list]")) return;
  for (const page of ["after", "before", "bulk"]) shown.delete(page);
  for (const link of all<HTMLAnchorElement>(".view-list a")) {
    const current = link.search.slice(1) === shown.toString();
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

export function startViews(): void {
  if (!one("[data-views]")) return;
  onTicket(soon);
  onBell(soon);
  onMissed(soon);
  document.addEventListener("htmx:after:swap", mark);
}
