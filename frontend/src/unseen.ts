// An answer met newer words of the customer: show them, and let the agent decide.
import { copyElement, must, one } from "./dom";

export interface Decision {
  send(): void;
  edit(): void;
}

/** Who only closes the dialog finds the answer in the list, marked as not sent. */
export function askUnseen(room: HTMLElement, words: HTMLElement[], decision: Decision): void {
  if (one("dialog[open]", room)) return;
  const dialog = copyElement("[data-unseen-dialog]", room) as HTMLDialogElement;
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
