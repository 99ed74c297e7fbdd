// Leaving a browser that others use too: what was typed and not sent goes along, once somebody has said so.
import { all, copyElement, near, one } from "./dom";
import { load, local, save, session } from "./keep";

const OURS = "parlour:";
const WORDS = /^parlour:(unsent|draft|form):/;
const NOTHING = new Set(["null", "[]", '""', "{}"]);

function keys(storage: () => Storage): string[] {
  try {
    return Object.keys(storage()).filter((key) => key.startsWith(OURS));
  } catch {
    return [];
  }
}

const wordsIn = (storage: () => Storage): boolean =>
  keys(storage).some((key) => WORDS.test(key) && !NOTHING.has(JSON.stringify(load(storage, key))));

/** On this page: a composer keeps what it holds a moment later. */
const wordsHere = (): boolean =>
  all<HTMLTextAreaElement>("[data-composer] textarea").some((field) => field.value.trim() !== "");

function warn(form: HTMLFormElement): void {
  const box = one("[data-toasts]");
  const note = copyElement("[data-unsent-words]", document);
  if (box) box.append(note);
  else form.append(note);
}

function clear(): void {
  for (const storage of [local, session]) keys(storage).forEach((key) => save(storage, key, null));
}

function leave(event: SubmitEvent): void {
  const form = near<HTMLFormElement>(event, "[data-leave]");
  if (!form) return;
  if (!form.hasAttribute("data-warned") && (wordsHere() || wordsIn(local) || wordsIn(session))) {
    event.preventDefault();
    all("[data-leave]").forEach((each) => each.setAttribute("data-warned", ""));
    return warn(form);
  }
  clear();
  addEventListener("pagehide", clear); // a composer keeps its draft when the page goes
}

export function startLeave(): void {
  document.addEventListener("submit", leave, true); // before a form looks busy
}
