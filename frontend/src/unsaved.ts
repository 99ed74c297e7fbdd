// Words that nobody has saved yet: the browser asks before the page goes. Forms whose words are kept (`data-draft`)
// need no question, and a page that nothing was typed on keeps no one.
import { all, near } from "./dom";

type Field = HTMLInputElement | HTMLTextAreaElement;

function ask(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function judge(): void {
  const fields = all<Field>('form[data-unsaved] :is(input[type="text"], textarea)');
  const unsaved = fields.some((field) => field.value !== field.defaultValue);
  if (unsaved) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}

export function startUnsaved(): void {
  document.addEventListener("input", judge);
  document.addEventListener("submit", (event) => {
    if (near(event, "form[data-unsaved]")) removeEventListener("beforeunload", ask);
  });
  addEventListener("pageshow", judge); // with what the browser put back into the fields
}
