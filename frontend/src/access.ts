// The mailed link carries its secret in the fragment, which no server and no mail scanner gets to
// see. This page trades it for what it opens at once, and takes it out of the address bar first.
import { one } from "./dom";

/** The pages that mails link to: a customer's ticket, a new password, an invitation. */
const PAGES = /\/(?:access|auth\/reset|invite)$/;

/** What the address bar brings, if it can be a secret at all. */
function secretInAddress(): string | null {
  try {
    const secret = decodeURIComponent(location.hash.slice(1)).replace(/^(?:token|code)=/, "");
    return /^[\w.~-]{16,}$/.test(secret) ? secret : null;
  } catch {
    return null;
  }
}

function exchange(): void {
  const secret = secretInAddress();
  if (!secret || !PAGES.test(location.pathname)) return;
  const form = one<HTMLFormElement>("form[data-exchange]");
  const token = form && one<HTMLInputElement>('input[name="token"]', form);
  // This answer to an earlier form cannot exchange anything: the page itself can.
  if (!token) return location.replace(`${location.pathname}?link${location.hash}`);
  history.replaceState(history.state, "", location.pathname);
  token.value = secret;
  for (const [selector, hidden] of [["[data-exchange-page]", true], ["[data-exchange-progress]", false]] as const) {
    const part = one(selector);
    if (part) part.hidden = hidden;
  }
  form.submit();
}

export function startAccess(): void {
  exchange();
  // Opened in a tab that shows this page already, a link changes nothing but the fragment.
  addEventListener("hashchange", exchange);
}
