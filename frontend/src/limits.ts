// How much room a field has left, near its limit. Nothing is cut: what is too long is refused with a sentence.
import { all, near, one } from "./dom";

type Field = HTMLInputElement | HTMLTextAreaElement;

/** From this part of the limit on it is worth saying. */
const NEAR = 0.9;

/** As the server counts: in characters, of which an emoji is one. What is far from the limit is not counted. */
const left = (field: Field, text: string): number => {
  const limit = Number(field.dataset.limit);
  return limit - (text.length > limit * NEAR ? [...text].length : text.length);
};

export const tooLong = (field: Field, text: string): boolean => Boolean(field.dataset.limit) && left(field, text) < 0;

export function showLimit(field: Field): void {
  if (!field.dataset.limit) return;
  const room = left(field, field.value);
  const known = one(`#${CSS.escape(field.id)}-left`);
  if (room > Number(field.dataset.limit) * (1 - NEAR)) return known?.remove();
  const note = known ?? document.createElement("p");
  note.id = `${field.id}-left`;
  note.className = "limit-note";
  note.textContent = (room < 0 ? field.dataset.over! : field.dataset.left!).replace("{count}", String(Math.abs(room)));
  // Heard when it comes and when it turns, not with every letter.
  const live = one("#live");
  if (live && (!known || note.hasAttribute("data-over") !== room < 0)) live.textContent = note.textContent;
  note.toggleAttribute("data-over", room < 0);
  if (!known) (field.closest(".input-group") ?? field).after(note);
}

export function startLimits(): void {
  document.addEventListener("input", (event) => {
    const field = near<Field>(event, "[data-limit]");
    if (field) showLimit(field);
  });
  all<Field>("[data-limit]").forEach(showLimit);
}
