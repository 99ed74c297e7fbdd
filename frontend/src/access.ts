// The mailed link carries its secret in the fragment, which no server and no mail scanner gets to
// see. This page trades it for a cookie at once, and takes it out of the address bar first.
import { one } from "./dom";

export function startAccess(): void {
  const form = one<HTMLFormElement>("form[data-exchange]");
  const token = form && one<HTMLInputElement>('input[name="token"]', form);
  const secret = decodeURIComponent(location.hash.slice(1)).replace(/^(?:token|code)=/, "");
  if (!token || !/^[\w.~-]{16,}$/.test(secret)) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  token.value = secret;
  for (const [selector, hidden] of [["[data-exchange-page]", true], ["[data-exchange-progress]", false]] as const) {
    const part = one(selector);
    if (part) part.hidden = hidden;
  }
  form.submit();
}
