// Forms that htmx sends: a change that did not get through goes back to what it was and says so.
import { all, near } from "./dom";
import { localTimes } from "./times";

const NOTE = "form-problem";

function undo(event: Event): void {
  const form = near<HTMLFormElement>(event, "form[data-inline]");
  if (!form) return;
  form.reset();
  const note = document.createElement("p");
  note.className = NOTE;
  note.role = "alert";
  note.textContent = form.closest<HTMLElement>("[data-failed]")?.dataset.failed ?? "";
  all(`.${NOTE}`, form).forEach((old) => old.remove());
  form.append(note);
}

/** What is sent now is judged anew; what else the page asks for by itself takes no sentence away. */
function forget(event: Event): void {
  const source = event.target;
  if (!(source instanceof HTMLElement) || source === document.body) return;
  all(`.${NOTE}`, near(event, "form[data-inline]") ?? source).forEach((note) => note.remove());
}

export function startForms(): void {
  document.addEventListener("htmx:after:swap", () => localTimes());
  document.addEventListener("htmx:before:request", forget);
  document.addEventListener("htmx:response:error", undo);
  document.addEventListener("htmx:error", undo);
}
