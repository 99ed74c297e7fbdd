// htmx under our content security policy: nothing that it reads can run, no scripts, no expressions.
import htmx from "htmx.org";
import { policy, type Policy } from "./trusted";

type Internals = { initSecurity(policy: Policy, sync: unknown, async: unknown): void };

// A `function`, because htmx calls it with `new`.
const refuse = function (): never {
  throw new TypeError("Expressions in attributes are switched off");
};

htmx.registerExtension("no-expressions", {
  init: (internals: unknown) => (internals as Internals).initSecurity(policy, refuse, refuse),
});
// Nothing replaces what stands on the page when the server could not answer.
htmx.config.noSwap = [204, 304, "5xx"] as unknown as number[];
// Back and forward load the page: a list that was open for a while is shown as it is now, with its scripts.
htmx.config.history = "reload";
// Firefox gives up what a page has under way as soon as one leaves it, and the page, which stands until the next one
// comes, would say that a change was not saved. Forms with more than 64 kB could not be sent so; these have a field or two.
type Asked = CustomEvent<{ ctx: { request: RequestInit } }>;
document.addEventListener("htmx:config:request", (event) => {
  (event as Asked).detail.ctx.request.keepalive = true;
});
