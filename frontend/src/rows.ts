// Whoever comes back to a list goes on from a row: from that of the ticket they come from, or, where the list was
// loaded anew after a change of many or by hand, or the browser goes back to it, from the one they were on.
import { linkOf, ROWS } from "./choices";
import { currentRow } from "./commands";
import { all } from "./dom";
import { load, save, session } from "./keep";

const KEY = "parlour:row";

/** The rows that came from this one on, then those before it, the nearest first. `left`: another page was shown since. */
type Place = { list: string; rows: string[]; left?: true };

const wentBack = (): boolean =>
  performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).type === "back_forward");

/** The list that is shown, whatever note came with it. */
function list(): string {
  const shown = new URL(location.href);
  shown.searchParams.delete("bulk");
  shown.searchParams.sort();
  return shown.pathname + shown.search;
}

function leave(): void {
  const ids = all(ROWS).map((row) => row.id);
  if (!ids.length) return;
  const at = ids.indexOf(currentRow()?.id ?? "");
  const rows = [...ids.slice(at), ...ids.slice(0, at).reverse()];
  save(session, KEY, at < 0 ? null : { list: list(), rows });
}

/** A row that is in the list no more has left its place to the one that came after it. */
function comeBackTo(place: Place | null): void {
  if (document.activeElement !== document.body) return;
  const known = place?.list === list() && (!place.left || wentBack());
  const rows = known ? place.rows : [location.hash.slice(1)];
  const row = rows.map((id) => document.getElementById(id)).find((found) => found?.matches(ROWS));
  if (!row) return;
  linkOf(row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

export function startRows(): void {
  const place = load<Place>(session, KEY);
  if (place) save(session, KEY, { ...place, left: true });
  comeBackTo(place);
  // Once it has all, a browser goes to the row in the address, and takes the focus away again.
  addEventListener("pageshow", () => comeBackTo(place), { once: true });
  addEventListener("pagehide", leave);
}
