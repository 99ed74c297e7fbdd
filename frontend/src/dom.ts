// The page brings every word and every piece of markup; these few functions find and fill them.

export const one = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null =>
  root.querySelector<T>(selector);

export const all = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] => [
  ...root.querySelectorAll<T>(selector),
];

/** What the template promises to hold; its absence is our own mistake, so it is loud. */
export function must<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`The page lacks ${selector}`);
  return found;
}

/** The nearest one around what an event is about. That may be no element: of what has left the page meanwhile, htmx
 * tells the document. */
export const near = <T extends Element = HTMLElement>(event: Event, selector: string): T | null =>
  event.target instanceof Element ? event.target.closest<T>(selector) : null;

/** A fresh copy of a <template>'s content, or null when the page has no such template. */
export function copy(selector: string, root: ParentNode = document): DocumentFragment | null {
  const template = one<HTMLTemplateElement>(`template${selector}`, root);
  return template && (document.importNode(template.content, true) as DocumentFragment);
}

export function copyElement(selector: string, root: ParentNode = document): HTMLElement {
  const element = copy(selector, root)?.firstElementChild;
  if (!element) throw new Error(`The page lacks template${selector}`);
  return element as HTMLElement;
}

const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** What is read from right to left, so that it may stand in a sentence, as kernel/text.py sets it apart. */
export const apart = (text: string): string => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/** A text of the page with its {placeholders} filled in. */
export const fill = (text: string, values: Record<string, string>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? apart(values[name]!) : whole));

/** A sentence of the page with its {placeholders} filled in. */
export function sentence(selector: string, root: ParentNode, values: Record<string, string> = {}): string {
  return fill(copy(selector, root)?.textContent?.trim() ?? "", values);
}

/** One of the sentences that a room brings, all of them in one <template>; null for a code that it does not know. */
export const saying = (selector: string, room: ParentNode): HTMLElement | null =>
  one(selector, must<HTMLTemplateElement>("template[data-sayings]", room).content);

/** The same as text, with its {placeholders} filled in. */
export const said = (selector: string, room: ParentNode, values: Record<string, string> = {}): string =>
  fill(saying(selector, room)?.textContent ?? "", values);

/** A note to put on the page, whose way to sign in leads back here. */
export function comingBack(note: DocumentFragment): DocumentFragment {
  const link = one<HTMLAnchorElement>("a[data-come-back]", note);
  if (link) link.search = `?next=${encodeURIComponent(location.pathname + location.search)}`;
  return note;
}

export function setField(root: ParentNode, field: string, text: string): void {
  const element = one(`[data-field="${field}"]`, root);
  if (element) element.textContent = text;
}

/** Two letters for an avatar; of an email address, those before the @. */
export function initials(name: string): string {
  const words = (name.split("@")[0] ?? "").split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase() || "?";
}

/** A version 4 UUID; randomUUID exists only on secure origins, and a desk on a plain http LAN is none. */
export function newId(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
