// What a key or the command palette does to a ticket: to the one on the page, or to the row with the focus.
// Each command uses the form or the link that stands on the page for it; where there is none, it cannot run.
import { change, complete, linkOf, ROWS } from "./choices";
import { whenThere } from "./dialogs";
import { all, copy, one } from "./dom";
import { turn } from "./faces";

const TOAST_LASTS = 5_000;

export const tools = (): HTMLElement | null => one("[data-desk-tools]");

const rowAt = (element: Element | null): HTMLElement | null => element?.closest<HTMLElement>(ROWS) ?? null;

/** The row with the focus, which may be on anything in it. */
export const currentRow = (): HTMLElement | null => rowAt(document.activeElement);

let last = "";

/** On a ticket's page, to its neighbour in the list that it was opened from. */
const beside = (by: 1 | -1): boolean => press(`[data-beside] a[rel~="${by > 0 ? "next" : "prev"}"]`);

/** A row that was replaced has lost the focus; going on starts from where it was. */
export function step(by: 1 | -1): boolean {
  if (one("[data-beside]")) return beside(by);
  const rows = all(ROWS);
  const here = rows.findIndex((row) => row === currentRow());
  const from = here >= 0 ? here : document.activeElement === document.body ? rows.findIndex((row) => row.id === last) : -1;
  const row = from < 0 ? rows[0] : rows[Math.min(Math.max(from + by, 0), rows.length - 1)];
  if (!row) return false;
  last = row.id;
  linkOf(row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  return true;
}

export function select(): boolean {
  const row = currentRow();
  const box = row && one<HTMLInputElement>('input[name="ids"]', row);
  box?.click();
  return Boolean(box);
}

/** Where the ticket's own fields are. */
export const place = (): HTMLElement | null => currentRow() ?? one("[data-panel]");

function choice(name: string, where: HTMLElement | null): HTMLSelectElement | null {
  const found = where && one<HTMLSelectElement>(`select[name="${name}"]`, where);
  return found && complete(found);
}

function choose(field: HTMLSelectElement | null, value: string): boolean {
  if (!field || !has(field, value)) return false;
  if (field.value !== value) {
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  return true;
}

export function toast(name: string): void {
  const note = copy(`[data-toast="${name}"]`)?.firstElementChild;
  if (!note) return;
  one("[data-toasts]")?.append(note);
  setTimeout(() => note.remove(), TOAST_LASTS);
}

function assign(where: HTMLElement): boolean {
  const me = tools()?.dataset.agent ?? "";
  if (choice("assignee", where)) return choose(choice("assignee", where), me);
  if (!where.matches(ROWS)) return false;
  // The dashboard's lists have no field for it.
  void change(where, "assignee", me).then((taken) => taken || toast("not-assigned"));
  return true;
}

/** While rows are ticked, a command is about all of them: the bar below the list knows how, and how to undo it. */
function toSelected(change: string): boolean | null {
  const bar = one<HTMLFormElement>("#bulk-form");
  const field = bar && one<HTMLSelectElement>('select[name="change"]', bar);
  if (!field || !one('input[name="ids"]:checked')) return null;
  field.value = change;
  if (field.value !== change) return false;
  bar.requestSubmit();
  return true;
}

/** How one ticket becomes that; null when nothing on the page can. A row brings up the bar for what it has no field for. */
function wayTo(where: HTMLElement, change: string): (() => void) | null {
  const [field = "", value = ""] = change.split(":");
  const dropdown = choice(field, where);
  if (dropdown) return has(dropdown, value) ? () => choose(dropdown, value) : null;
  if (!where.matches(ROWS)) return onPanel(field, value, where);
  const box = one<HTMLInputElement>('input[name="ids"]', where);
  if (!box || !barHas(change)) return null;
  return () => {
    box.checked = true;
    toSelected(change);
  };
}

/** The panel's form takes a tag by its name, which the palette knows, and has a button for each to take it off. */
function onPanel(field: string, value: string, panel: HTMLElement): (() => void) | null {
  const off = one(`.tag-form button[name="remove"][value="${value}"]`, panel);
  const until = one(`[data-snooze] p button[name="until"][value="${value}"]`, panel);
  const button = field === "untag" ? off : field === "snooze" ? until : null;
  if (button) return () => button.click();
  const typed = one<HTMLInputElement>(".tag-form input[name=tag]", panel);
  const name = one(`[data-change="tag:${value}"]`)?.dataset.name;
  if (field !== "tag" || off || !typed || !name) return null;
  return () => {
    typed.value = name;
    typed.form?.requestSubmit();
  };
}

const has = (field: HTMLSelectElement, value: string): boolean =>
  [...field.options].some((option) => option.value === value && !option.disabled);

const barHas = (change: string): boolean => {
  const field = one<HTMLSelectElement>('#bulk-form select[name="change"]');
  return field !== null && has(field, change);
};

function set(change: string): boolean {
  return (
    toSelected(change) ??
    inTurn((where) => {
      const way = wayTo(where, change);
      way?.();
      return way !== null;
    })
  );
}

/** Into the composer of this ticket, with the face that is asked for in front. */
function write(notes: boolean): boolean {
  const row = currentRow();
  const link = row && linkOf(row);
  if (row) return go(link && `${link.pathname}${notes ? "/notes#note-content" : "#composer-content"}`);
  return one("[data-room][data-side='agent']") !== null && turn(notes ? "note" : "reply");
}

export function go(address: string | null | undefined): boolean {
  if (address) location.assign(address);
  return Boolean(address);
}

const press = (selector: string): boolean => {
  const button = one(selector);
  button?.click();
  return Boolean(button);
};

/**
 * One change of a ticket after the other: the second one needs the version that the first one made. Which ticket
 * is meant was said when the key was pressed, wherever the focus is by then.
 */
function inTurn(act: (where: HTMLElement) => boolean): boolean {
  const where = place();
  if (!where) return false;
  const begin = (): boolean => {
    const here = where.isConnected ? where : document.getElementById(where.id);
    if (!here) return false;
    if (!here.matches(".htmx-request") && !one("form[method=post].htmx-request", here)) return act(here);
    // The event comes just before htmx says on the element itself that its request is over.
    document.addEventListener("htmx:finally:request", () => setTimeout(begin), { once: true });
    return true;
  };
  return begin();
}

export const commands: Record<string, (change?: string) => boolean> = {
  set: (change) => set(change ?? ""),
  resolve: () => toSelected("status:resolved") ?? inTurn((where) => choose(choice("status", where), "resolved")),
  assign: () => toSelected(`assignee:${tools()?.dataset.agent}`) ?? inTurn(assign),
  reply: () => write(false),
  note: () => write(true),
  snooze,
  tag: () => {
    const field = one("[data-panel] input[name=tag]");
    for (let at = field?.closest("details"); at; at = at.parentElement?.closest("details")) at.open = true;
    field?.focus();
    return field !== null;
  },
  merge: () => press("[data-panel] a[data-merge]"),
  undo: () => press("[data-toasts] [data-undo-change]"),
  theme: () => press("[data-theme-toggle]"),
  leave: () => press('button[form="leave"]'),
  keys: () => {
    void whenThere(() => one<HTMLDialogElement>("[data-keys-dialog]")?.showModal());
    return Boolean(tools());
  },
};

/** The ways to put this ticket aside, with the focus on the first. */
function snooze(): boolean {
  const ways = one<HTMLDetailsElement>("[data-panel] details[data-snooze]");
  if (!ways) return false;
  const first = () => one("button.btn", ways)?.focus();
  // What has just been opened can take the focus only a moment later.
  if (ways.open) first();
  else ways.addEventListener("toggle", first, { once: true });
  for (let at: Element | null | undefined = ways; at; at = at.parentElement?.closest("details")) {
    (at as HTMLDetailsElement).open = true;
  }
  return true;
}

/** Whether the command would find something to do, there. */
export function possible(name: string, where: HTMLElement | null, change = ""): boolean {
  if (name === "set") {
    return one('input[name="ids"]:checked') ? barHas(change) : where !== null && wayTo(where, change) !== null;
  }
  if (name === "resolve" || name === "assign") {
    return choice("status", where) !== null || one('input[name="ids"]:checked') !== null;
  }
  if (name === "undo") return one("[data-toasts] [data-undo-change]") !== null;
  if (name === "merge") return one("[data-panel] a[data-merge]") !== null;
  if (name === "tag") return one("[data-panel] input[name=tag]") !== null;
  if (name === "snooze") return one("[data-panel] details[data-snooze]") !== null;
  if (name === "reply" || name === "note") {
    return where?.matches(ROWS) || one("[data-room][data-side='agent'][data-can-write]") !== null;
  }
  return name in commands;
}
