// Where a page starts: at what went wrong, else where the person is meant to write.
import { one } from "./dom";

export function startFocus(): void {
  if (location.hash) return;
  (one("[data-error-summary]") ?? one("[data-autofocus]"))?.focus();
}
