// Single keys for what one does all day. They can be switched off, and none of them is heard where somebody
// writes or chooses, with a modifier, in a dialog, or while an input method composes. The palette's is heard where
// somebody writes, too, and Escape leaves what is written.
import { commands, currentRow, go, select, step, tools } from "./commands";
import { isAwaited, nameKeys, onMac } from "./dialogs";
import { near, one } from "./dom";
import { openPalette } from "./palette";

const PREFIX_LASTS = 1_500;
const DIALOG = 'dialog, [role="dialog"]';
const ELSEWHERE = `input:not([type="checkbox"]), textarea, select, [role="textbox"], [role="combobox"], ${DIALOG}`;
/** What Escape leaves. */
const LEFT = "[data-composer] textarea, [data-panel] :is(#tag, #participant), [data-search]";
/** What has just been closed may still hold the focus for a moment. */
const CLOSED = 'dialog:not([open]), [role="dialog"][hidden]';

let prefixed = 0;

/** Somebody types here, which does not matter for a key that is no letter of theirs, or something lies over the page. */
function taken(event: KeyboardEvent, writing: boolean): boolean {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return true;
  const at = event.target;
  if (at instanceof HTMLElement && !at.closest(CLOSED) && at.closest(writing ? DIALOG : ELSEWHERE)) return true;
  return isAwaited() || one("dialog:modal") !== null;
}

/** The letter of a key; under a script without Latin letters, by where the key lies. */
function letter(event: KeyboardEvent): string {
  const { key, code } = event;
  if (key.length === 1 && key > "~" && code.startsWith("Key")) return code.slice(3).toLowerCase();
  return key.length === 1 ? key.toLowerCase() : "";
}

function search(): boolean {
  const field = one<HTMLInputElement>("[data-search]");
  field?.focus();
  field?.select();
  return field !== null || openPalette();
}

function goTo(key: string): boolean {
  const desk = tools()?.dataset.desk;
  if (!desk || (key !== "d" && key !== "t")) return false;
  return go(key === "d" ? desk : `${desk}/tickets?status=active`);
}

/** In a list, of the row with the focus or of those that are ticked. */
const choose = (...kinds: string[]): boolean =>
  (currentRow() !== null || one('input[name="ids"]:checked') !== null) && openPalette(kinds);

const KEYS: Record<string, () => boolean> = {
  "?": () => commands.keys!(),
  "/": search,
  j: () => step(1),
  k: () => step(-1),
  x: select,
  e: () => commands.resolve!(),
  a: () => commands.assign!(),
  r: () => commands.reply!(),
  n: () => commands.note!(),
  t: () => commands.tag!() || choose("tag", "untag"),
  z: () => commands.snooze!() || choose("snooze"),
  u: () => commands.undo!(),
  g: () => Boolean((prefixed = performance.now())),
};
/** These go on for as long as the key is held; others act once. */
const REPEATED = "jk";

function act(key: string, event: KeyboardEvent): boolean {
  const second = performance.now() - prefixed < PREFIX_LASTS && prefixed > 0;
  prefixed = 0;
  if (second && !event.repeat) return goTo(key);
  if (event.repeat && !REPEATED.includes(key)) return false;
  return KEYS[key]?.() ?? false;
}

function press(event: KeyboardEvent): void {
  if (event.key === "Escape") return leave(event);
  const key = letter(event);
  const palette = key === "k" && event.ctrlKey !== event.metaKey && !event.altKey && !event.shiftKey;
  if (taken(event, palette && (event.metaKey || !onMac))) return;
  if (palette ? !event.repeat && openPalette() : alone(event, key) && act(key, event)) event.preventDefault();
}

/** Out of a field, whose words stay: on the conversation or on the first row the keys are heard. */
function leave(event: KeyboardEvent): void {
  const field = event.isComposing || event.defaultPrevented ? null : near(event, LEFT);
  if (!field) return;
  event.preventDefault(); // which would empty a search
  const log = one("[data-log]");
  if (log) log.focus({ preventScroll: true });
  else if (!step(1)) field.blur();
}

/** Shift belongs to some of the signs, but to no letter. */
function alone(event: KeyboardEvent, key: string): boolean {
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return false;
  return !event.shiftKey || key === "?" || key === "/";
}

export function startKeys(): void {
  nameKeys();
  if (tools()?.hasAttribute("data-shortcuts")) document.addEventListener("keydown", press);
}
