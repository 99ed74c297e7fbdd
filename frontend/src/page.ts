// What every page does, for customers and agents alike.
import { startAccess } from "./access";
import { startBusy } from "./busy";
import { startCorrected } from "./corrected";
import { startDrafts } from "./drafts";
import { startFocus } from "./focus";
import { startLeave } from "./leave";
import { startLimits } from "./limits";
import { startTab } from "./tab";
import { startTheme } from "./theme";
import { startTimes } from "./times";
import { startTransitions } from "./transitions";

const EVERYWHERE = [startTransitions, startAccess, startTheme, startTimes, startDrafts, startCorrected, startBusy, startFocus, startTab, startLeave];

/** `more`: what only some pages have, and so only some scripts bring. */
export function startPage(...more: (() => void)[]): void {
  for (const start of [...EVERYWHERE, ...more, startLimits]) {
    // One that fails must not take the others with it.
    try {
      start();
    } catch (error) {
      console.error(error);
    }
  }
}
