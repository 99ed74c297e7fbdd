// Forms that htmx sends: a change that did not get through goes back to what it was and says so.
import { all } from "./dom";
import { localTimes } from "./times";

const NOTE = "form-problem";

function undo(event: Event): void {
  const form = (event.target as Element).closest?.<HTMLFormElement>("form[data-inline]");
  if (!form) return;
  form.reset();
  const note = document.createElement("p");
  note.className = NOTE;
  note.role = "alert";
  note.textContent = form.dataset.failed ?? "";
  all(`.${NOTE}`, form).forEach((old) => old.remove());
  form.append(note);
}

export function startForms(): void {
  document.addEventListener("htmx:after:swap", () => localTimes());
  document.addEventListener("htmx:before:request", () => all(`.${NOTE}`).forEach((note) => note.remove()));
  document.addEventListener("htmx:response:error", undo);
  document.addEventListener("htmx:error", undo);
}
