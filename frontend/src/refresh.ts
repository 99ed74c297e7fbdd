// Fetches a part of the page again and changes it where it stands.
import htmx from "htmx.org";
import { one } from "./dom";

/** Hundreds of pages that hear the same news must not all ask in the same moment. */
export const jitter = (): number => 200 + Math.random() * 1_000;

/** Somebody has one of its dropdowns open: whatever comes must wait. */
export const inUse = (part: Element): boolean =>
  document.activeElement instanceof HTMLSelectElement && part.contains(document.activeElement);

/** `part` must have an id; an answer without it, such as the sign-in page, changes nothing. */
export async function refresh(part: Element, url: string): Promise<void> {
  await htmx.ajax("GET", url, {
    source: part,
    target: part,
    select: `#${CSS.escape(part.id)}`,
    swap: "outerMorph",
  } as Parameters<typeof htmx.ajax>[2]);
}

/** The dashboard fetches itself again, once for all that happened within a moment. */
export function refreshSoon(selector: string, url: (part: HTMLElement) => string | undefined): () => void {
  let timer = 0;
  const go = () => {
    timer = 0;
    const part = one(selector);
    const address = part && url(part);
    if (!part || !address) return;
    if (inUse(part) || document.hidden) timer = window.setTimeout(go, 1_000);
    else void refresh(part, address);
  };
  return () => {
    timer ||= window.setTimeout(go, jitter());
  };
}
