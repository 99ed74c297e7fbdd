// An answer met newer words of the customer or of a colleague: show them, and let the agent decide.
import { all, copyElement, must, one } from "./dom";

export interface Decision {
  send(): void;
  edit(): void;
}

/** `code` says whose words are in the way. Who only closes the dialog finds the answer in the list, marked as not sent. */
export function askUnseen(room: HTMLElement, code: string, words: HTMLElement[], decision: Decision): void {
  if (one("dialog[open]", room)) return;
  const dialog = copyElement("[data-unseen-dialog]", room) as HTMLDialogElement;
  for (const title of all("[data-for]", must("h2", dialog))) title.hidden = title.dataset.for !== code;
  must("[data-unseen-messages]", dialog).replaceChildren(...words);
  const choose = (selector: string, act: () => void) =>
    must(selector, dialog).addEventListener("click", () => {
      dialog.close();
      act();
    });
  choose("[data-unseen-send]", () => decision.send());
  choose("[data-unseen-edit]", () => decision.edit());
  dialog.addEventListener("close", () => dialog.remove());
  room.append(dialog);
  dialog.showModal();
}
