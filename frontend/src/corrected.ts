// What was wrong with a field goes as soon as it is put right, and the list of what is wrong with it.
import { all, one } from "./dom";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** As the server refused them. */
const refused = new WeakMap<Field, string>();

function clear(field: Field): void {
  const note = one(`#${CSS.escape(field.id)}-error`);
  field.removeAttribute("aria-invalid");
  field.closest("[data-invalid]")?.removeAttribute("data-invalid");
  const described = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== note?.id);
  field.setAttribute("aria-describedby", described.join(" "));
  note?.remove();
  for (const summary of all("[data-error-summary]")) {
    one(`a[href="#${CSS.escape(field.id)}"]`, summary)?.closest("li")?.remove();
    if (!one("li, section > p", summary)) summary.remove();
  }
}

export function startCorrected(): void {
  for (const field of all<Field>("form .field :is(input, textarea, select)[aria-invalid=true]")) refused.set(field, field.value);
  document.addEventListener("input", (event) => {
    const field = event.target as Field;
    if (!refused.has(field) || field.value === refused.get(field) || !field.value.trim() || !field.validity.valid) return;
    refused.delete(field);
    clear(field);
  });
}
