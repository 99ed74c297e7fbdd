// What a list says of a ticket's status, priority and assignee becomes a dropdown, which saves at once what is chosen.
// The page brings the dropdowns once, however many rows it has; a row's holds what is chosen, until somebody comes near.
import htmx from "htmx.org";
import { all, copy, near, one } from "./dom";

export const ROWS = "[data-ticket-row], #overview tbody tr";
const FIELDS = ["status", "priority", "assignee"] as const;

export const linkOf = (row: Element): HTMLAnchorElement | null => one<HTMLAnchorElement>("th a", row);

const dropdownIn = (choice: Element): HTMLSelectElement | null => one<HTMLSelectElement>("select", choice);

/** Those that hold all there is to choose; the others hold what is chosen. */
const whole = new WeakSet<HTMLSelectElement>();

const template = (kind: string): HTMLTemplateElement | null => one<HTMLTemplateElement>(`[data-choices="${kind}"]`);

/** A page of a hundred rows would else make thousands of options, and most are never looked at. */
function put(choice: HTMLElement, kind: string): HTMLSelectElement | null {
  const [dropdown, icon] = template(kind)?.content.children ?? [];
  if (!dropdown || !icon) return null;
  const number = one(".number", choice.closest(ROWS) ?? document)?.textContent.replace("#", "") ?? "";
  const made = dropdown.cloneNode() as HTMLSelectElement;
  made.ariaLabel = (made.ariaLabel ?? "").replace("{number}", number);
  made.add(new Option(choice.textContent.trim(), choice.dataset[kind]));
  choice.replaceChildren(made, icon.cloneNode(true));
  return made;
}

/** Gives a dropdown of a row all there is to choose, as soon as somebody is about to choose. */
export function complete(dropdown: HTMLSelectElement): HTMLSelectElement {
  const source = template(dropdown.name)?.content.querySelectorAll("option");
  if (!source || whole.has(dropdown) || !dropdown.closest(".choice")) return dropdown;
  whole.add(dropdown);
  const { value } = dropdown;
  dropdown.replaceChildren(...[...source].map((option) => option.cloneNode(true)));
  show(dropdown, value);
  return dropdown;
}

/** Nothing becomes new again. */
function show(dropdown: HTMLSelectElement, value: string): void {
  for (const option of dropdown.options) option.hidden = option.disabled = option.value === "new" && value !== "new";
  dropdown.value = value;
}

/** Shows what the server said last. */
function settle(choice: HTMLElement): void {
  const kind = FIELDS.find((field) => field in choice.dataset);
  const dropdown = kind && (dropdownIn(choice) ?? put(choice, kind));
  if (!dropdown) return;
  const value = choice.dataset[kind]!;
  if (dropdown.value !== value) complete(dropdown);
  show(dropdown, value);
}

export function showChoices(): void {
  all(".choice").forEach(settle);
}

/**
 * Saves one field of a row's ticket, and shows in its place what the server answers: the row, or the overview.
 * Says whether it was taken.
 */
export async function change(row: HTMLElement, field: string, value: string): Promise<boolean> {
  const overview = row.closest<HTMLElement>("#overview");
  const values = {
    csrf: one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "",
    version: row.dataset.version ?? "",
    shape: overview ? "overview" : "row",
    [field]: value,
  };
  let taken = true;
  const refuse = (): void => void (taken = false);
  row.addEventListener("htmx:response:error", refuse);
  row.addEventListener("htmx:error", refuse);
  const request = { source: row, target: overview ?? row, swap: "outerMorph", values } as Parameters<typeof htmx.ajax>[2];
  await htmx.ajax("POST", `${linkOf(row)?.pathname}/${field}`, request).catch(refuse);
  row.removeEventListener("htmx:response:error", refuse);
  row.removeEventListener("htmx:error", refuse);
  return taken;
}

async function save(dropdown: HTMLSelectElement): Promise<void> {
  const choice = dropdown.closest<HTMLElement>(".choice");
  const row = choice?.closest<HTMLElement>(ROWS);
  if (!choice || !row || (await change(row, dropdown.name, dropdown.value))) return;
  settle(choice);
  const said = one('[role="alert"]', choice.closest(ROWS) ?? choice.parentElement!);
  const failed = copy("[data-choice-failed]");
  if (!said && failed) choice.after(failed);
}

export function startChoices(): void {
  showChoices();
  // A dropdown keeps its options, and the focus; what its ticket has now stands in the attributes around it.
  htmx.config.morphSkipChildren = "[hx-morph-skip-children], .choice";
  document.addEventListener("htmx:after:swap", showChoices);
  for (const sign of ["pointerover", "focusin"])
    document.addEventListener(sign, (event) => {
      const field = near<HTMLSelectElement>(event, ".choice > select");
      if (field) complete(field);
    });
  document.addEventListener("change", (event) => {
    const field = near<HTMLSelectElement>(event, ".choice > select");
    if (field) void save(field);
  });
}
