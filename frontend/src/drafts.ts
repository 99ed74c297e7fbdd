// What somebody typed into a long form is still there after a reload or a lost connection.
import { all, one } from "./dom";
import { load, save, session } from "./keep";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
const SENT = "parlour:form-sent";
const keyOf = (name: string): string => `parlour:form:${name}`;

const fields = (form: HTMLFormElement): Field[] =>
  all<Field>('input:not([type="hidden"], [type="password"], [type="file"], [type="checkbox"], [type="radio"]), textarea, select', form);

/** The id goes along with the words: sent twice because the answer was lost, they still are one ticket. */
const clientId = (form: HTMLFormElement) => one<HTMLInputElement>('input[name="client_id"]', form);

function keep(form: HTMLFormElement): void {
  const values = Object.fromEntries(fields(form).map((field) => [field.name, field.value]));
  const written = Object.values(values).some((value) => value.trim());
  save(session, keyOf(form.dataset.draft!), written ? { ...values, client_id: clientId(form)?.value } : null);
}

function restore(form: HTMLFormElement): void {
  const values = load<Record<string, string>>(session, keyOf(form.dataset.draft!));
  // The server's own answer to a refused form is newer than what we kept.
  if (!values || one("[aria-invalid], [data-error-summary]", form)) return;
  const empty = fields(form).filter((field) => !field.value && values[field.name]);
  for (const field of empty) field.value = values[field.name]!;
  const id = clientId(form);
  if (empty.length && id && values.client_id) id.value = values.client_id;
}

/** Once sent, the draft has done its work as soon as another page shows, but for the one where one signs in. */
function forget(): void {
  const sent = load<{ key: string; path: string }>(session, SENT);
  if (!sent || sent.path === location.pathname || location.pathname.startsWith("/auth/")) return;
  for (const key of [sent.key, `${sent.key}:files`]) save(session, key, null);
  save(session, SENT, null);
}

export function startDrafts(): void {
  forget();
  for (const form of all<HTMLFormElement>("form[data-draft]")) {
    restore(form);
    form.addEventListener("input", () => keep(form));
    form.addEventListener("submit", () => {
      keep(form);
      save(session, SENT, { key: keyOf(form.dataset.draft!), path: location.pathname });
    });
  }
}
