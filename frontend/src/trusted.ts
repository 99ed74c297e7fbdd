// The one Trusted Types policy that exists: what our server rendered may be inserted, and nothing in it can run.

export type Policy = { createHTML: (html: string) => unknown; createScript: (script: string) => unknown };
type TrustedTypes = { createPolicy(name: string, rules: Policy): Policy };

const rules: Policy = {
  createHTML: (html) => html,
  createScript: () => {
    throw new TypeError("A fragment must not bring a script");
  },
};
const browser = globalThis as unknown as { trustedTypes?: TrustedTypes };
export const policy: Policy = browser.trustedTypes?.createPolicy("htmx", rules) ?? rules;

/** A page or a fragment of ours as a document of its own. */
export const parsed = (html: string): Document =>
  new DOMParser().parseFromString(policy.createHTML(html) as string, "text/html");
