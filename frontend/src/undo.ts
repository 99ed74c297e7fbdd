// After a change a note says what was changed and takes it back, also on the page that one goes on to. A change of
// one ticket is made in place; what came with a page, after a change of many, the page brings itself.
import htmx from "htmx.org";
import { toast, tools } from "./commands";
import { ROWS } from "./choices";
import { all, copy, one, sentence, setField } from "./dom";
import { load, save, session } from "./keep";

const LASTS = 10_000;
const KEY = "parlour:undo";

type Change = { id: string; kind: string; number: string; value: string; until: number };
type Answered = CustomEvent<{ ctx: { sourceElement: Element; response?: { headers: Headers }; request: { action: string } } }>;

function offer(change: Change): void {
  const note = copy('[data-toast="changed"]')?.firstElementChild as HTMLElement | null;
  if (!note) return;
  all("[data-toasts] > :is([data-change-note], :has([data-undo-change]))").forEach((old) => old.remove());
  setField(note, "said", sentence(`[data-said="${change.kind}"]`, document, { number: change.number, value: change.value }));
  one("[data-undo-change]", note)?.addEventListener("click", () => void undo(change.id, note));
  one("[data-toasts]")?.append(note);
  leaves(note, change.until - Date.now());
}

/** Not while somebody points at it or is in it. */
function leaves(note: HTMLElement, after: number): void {
  const leave = (): void => void (note.matches(":hover, :focus-within") ? setTimeout(leave, 1_000) : note.remove());
  setTimeout(leave, after);
}

/** What the page brought: among the other notes, whose place tells of what comes into it. */
function take(note: HTMLElement): void {
  note.dataset.taken = "";
  if (!note.parentElement?.matches("[data-toasts]")) one("[data-toasts]")?.append(note);
  one("[data-close-note]", note)?.addEventListener("click", (event) => {
    event.preventDefault();
    note.remove();
  });
  if (!note.matches("[hx-get]")) leaves(note, LASTS);
}

/** The page without it is the one to come back to and to load again. */
function takeOfPage(): void {
  const note = one("[data-change-note]");
  if (!note || note.closest("[data-change-page]")) return;
  const address = new URL(location.href);
  address.searchParams.delete("bulk");
  history.replaceState(history.state, "", address);
  take(note);
}

async function undo(id: string, note: HTMLElement): Promise<void> {
  note.remove();
  save(session, KEY, null);
  let taken = true;
  const refuse = (): void => void (taken = false);
  const source = document.createElement("div");
  source.addEventListener("htmx:response:error", refuse);
  source.addEventListener("htmx:error", refuse);
  one("[data-toasts]")?.append(source);
  const values = { csrf: one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "" };
  const request = { source, target: source, swap: "none", values } as Parameters<typeof htmx.ajax>[2];
  await htmx.ajax("POST", `${tools()?.dataset.desk}/tickets/bulk/${id}/undo`, request).catch(refuse);
  source.remove();
  toast(taken ? "undone" : "not-undone");
  // What is no part of the ticket's version comes with no news of its own.
  one("[data-panel]")?.dispatchEvent(new Event("refresh"));
}

/** What the field's dropdown calls its value, and which ticket it is about. */
function changed(event: Event): void {
  const { ctx } = (event as Answered).detail;
  const id = ctx.response?.headers.get("x-undo");
  if (!id) return;
  // Not the event's target, which is the document once the row has left the page.
  const row = ctx.sourceElement.closest(ROWS);
  const field = new URL(ctx.request.action, location.href).pathname.split("/").pop() ?? "";
  const select = one<HTMLSelectElement>(`select[name="${field}"]`, row ?? document);
  const number = row ? one(".number", row)?.textContent.slice(1) : /#(\d+)/.exec(document.title)?.[1];
  const change = {
    id,
    kind: select ? "field" : field,
    number: number ?? "",
    value: select?.selectedOptions[0]?.text ?? "",
    until: Date.now() + LASTS,
  };
  save(session, KEY, change);
  offer(change);
}

export function startUndo(): void {
  document.addEventListener("htmx:after:request", changed);
  document.addEventListener("htmx:after:swap", () => {
    const note = one("[data-toasts] > [data-change-note]:not([data-taken])");
    if (note) take(note);
  });
  takeOfPage();
  const last = load<Change>(session, KEY);
  if (last && last.until > Date.now()) offer(last);
}
