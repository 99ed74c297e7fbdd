// What a list says of a ticket's status, priority and assignee becomes a dropdown, which saves at once what is chosen.
// The page brings the dropdowns once, however many rows it has.
import htmx from "htmx.org";
import { all, copy, near, one } from "./dom";

export const ROWS = "[data-ticket-row], #overview tbody tr";
const FIELDS = ["status", "priority", "assignee"] as const;

export const linkOf = (row: Element): HTMLAnchorElement | null => one<HTMLAnchorElement>("th a", row);

const dropdownIn = (choice: Element): HTMLSelectElement | null => one<HTMLSelectElement>("select", choice);

function fill(choice: HTMLElement, kind: string): HTMLSelectElement | null {
  const number = one(".number", choice.closest(ROWS) ?? document)?.textContent.replace("#", "") ?? "";
  const content = copy(`[data-choices="${kind}"]`);
  if (!content) return null;
  choice.replaceChildren(content);
  const dropdown = dropdownIn(choice)!;
  dropdown.ariaLabel = (dropdown.ariaLabel ?? "").replace("{number}", number);
  return dropdown;
}

/** Shows what the server said last. Nothing becomes new again. */
function settle(choice: HTMLElement): void {
  const kind = FIELDS.find((field) => field in choice.dataset);
  const dropdown = kind && (dropdownIn(choice) ?? fill(choice, kind));
  if (!dropdown) return;
  const value = choice.dataset[kind]!;
  for (const option of dropdown.options) option.hidden = option.disabled = option.value === "new" && value !== "new";
  dropdown.value = value;
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
  const said = one('[role="alert"]', choice.parentElement!);
  const failed = copy("[data-choice-failed]");
  if (!said && failed) choice.after(failed);
}

export function startChoices(): void {
  showChoices();
  // A dropdown keeps its options, and the focus; what its ticket has now stands in the attributes around it.
  htmx.config.morphSkipChildren = "[hx-morph-skip-children], .choice";
  document.addEventListener("htmx:after:swap", showChoices);
  document.addEventListener("change", (event) => {
    const field = near<HTMLSelectElement>(event, ".choice > select");
    if (field) void save(field);
  });
}
