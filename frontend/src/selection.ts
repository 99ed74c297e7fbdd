// Ticking rows. The bar that changes them appears without a script; here it learns to count.
import { all, near, one } from "./dom";

const boxes = (): HTMLInputElement[] => all<HTMLInputElement>('input[name="ids"]');

/** Also for whoever ticks a box by a key. */
export function countSelected(): void {
  const selected = boxes().filter((box) => box.checked);
  const words = one("[data-selected]");
  const text = (words?.dataset.words ?? "").replace("{count}", String(selected.length));
  // What is written anew is said anew, as after each row that comes alone.
  if (words && words.textContent !== text) words.textContent = text;
  const page = one<HTMLInputElement>("[data-select-page]");
  if (page) {
    page.checked = selected.length > 0 && selected.length === boxes().length;
    page.indeterminate = selected.length > 0 && !page.checked;
  }
}

/** Shift and a click tick everything between this box and the one before. */
function startRanges(): void {
  let last: HTMLInputElement | null = null;
  document.addEventListener("click", (event) => {
    const box = near<HTMLInputElement>(event, 'input[name="ids"]');
    if (!box) return;
    const every = boxes();
    const [from, to] = [last ? every.indexOf(last) : -1, every.indexOf(box)].sort((a, b) => a - b) as [number, number];
    if (event.shiftKey && from >= 0) for (const between of every.slice(from, to + 1)) between.checked = box.checked;
    last = box;
    countSelected();
  });
}

/** Escape selects nothing, unless it closes or leaves something else. */
function startEscape(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
    const ticked = boxes().filter((box) => box.checked);
    const taken = one("dialog:modal, details[data-menu][open]") ?? near(event, "select, [type=search]");
    if (!ticked.length || taken) return;
    for (const box of ticked) box.checked = false;
    countSelected();
  });
}

export function startSelection(): void {
  startRanges();
  startEscape();
  document.addEventListener("change", (event) => {
    const every = near<HTMLInputElement>(event, "[data-select-page]");
    if (every) for (const each of boxes()) each.checked = every.checked;
    if (every || near(event, 'input[name="ids"]')) countSelected();
  });
  document.addEventListener("reset", () => setTimeout(countSelected));
  document.addEventListener("htmx:after:swap", countSelected);
  // A page that comes back from the browser's memory may come with boxes ticked.
  addEventListener("pageshow", countSelected);
}
