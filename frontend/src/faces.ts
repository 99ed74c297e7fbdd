// The composer at the desk has two faces, a reply and a note: two forms, each with an address, a draft and an outbox
// of its own. Which one is in front changes only by what a person does, and nothing written goes from one to the other.
import { all, near, one } from "./dom";

export type Face = "reply" | "note";

const IN_FRONT = ".composer-face:not([data-behind])";
const wrapper = (face: Face): HTMLElement | null => one(`.composer-face[data-writes="${face}"]`);

/** The field in front; null where the ticket is closed, or where one may not write. */
const writtenIn = (): HTMLTextAreaElement | null =>
  one<HTMLTextAreaElement>(`${IN_FRONT} [data-composer]:not([hidden]) textarea`);

/** Brings a face to the front, with the focus in its field. False where there is none to write in. */
export function turn(face: Face): boolean {
  if (wrapper(face)) {
    for (const each of all(".composer-face")) each.toggleAttribute("data-behind", each.dataset.writes !== face);
    for (const button of all("[data-face]")) button.ariaPressed = String(button.dataset.face === face);
    tellOfDrafts();
  }
  const field = writtenIn();
  field?.focus();
  return Boolean(field);
}

/** What waits unsent behind is said on its button. */
function tellOfDrafts(): void {
  for (const button of all("[data-face]")) {
    const face = wrapper(button.dataset.face as Face);
    const written = face && (one<HTMLTextAreaElement>("textarea", face)?.value.trim() || one(".chip", face));
    const sign = one("[data-waiting]", button);
    if (sign) sign.hidden = !written || !face.hasAttribute("data-behind");
  }
}

export function startFaces(): void {
  document.addEventListener("click", (event) => {
    const button = near(event, "[data-face]");
    if (button) turn(button.dataset.face as Face);
  });
  document.addEventListener("change", tellOfDrafts);
  tellOfDrafts();
}
