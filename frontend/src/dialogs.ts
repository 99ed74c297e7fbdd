// The list of the keys and the palette are the same on every page of the desk: a page only says where they are, and the
// browser keeps them from the first.
import htmx from "htmx.org";
import { all, one } from "./dom";

let coming: Promise<void> | null = null;
let waited = false;

/** There, Control belongs to the text. */
export const onMac = /mac|iphone|ipad/i.test(navigator.platform);

/** What the key is called on this machine. */
export function nameKeys(): void {
  if (!onMac) return;
  for (const key of all("[data-palette-key]")) key.textContent = "⌘K";
}

async function bring(): Promise<void> {
  const place = one("[data-dialogs]");
  if (!place) return;
  const request = { source: place, target: place, select: "#desk-dialogs", swap: "outerHTML" };
  await htmx.ajax("GET", place.dataset.dialogs!, request as Parameters<typeof htmx.ajax>[2]).catch(() => undefined);
  nameKeys();
}

/** Brings them, if they can be had; asks again after it failed. */
export async function bringDialogs(): Promise<void> {
  await (coming ??= bring());
  if (one("[data-dialogs]")) coming = null;
}

/** Somebody has asked for one that is still on its way: what is typed meanwhile is meant for it. */
export const isAwaited = (): boolean => waited;

/** Opens one as soon as it is there. */
export async function whenThere(open: () => void): Promise<void> {
  waited = true;
  await bringDialogs();
  waited = false;
  open();
}
