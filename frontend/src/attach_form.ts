// Files in a form that the browser sends itself: they go up at once, and the form takes their ids along.
import { Attach } from "./attach";
import { all, one } from "./dom";
import { session } from "./keep";

/** A form without a draft is empty once it is sent: what is refused comes back with its page. */
function start(form: HTMLFormElement): void {
  const { draft } = form.dataset;
  const announce = (text: string): void => {
    const live = one("#live");
    if (live) live.textContent = text;
  };
  const files = new Attach(form, form, `parlour:form:${draft ?? new URL(form.action).pathname}`, session, {
    announce,
    ready: () => form.requestSubmit(),
    stopped: () => undefined,
  });
  // Before anything else: what only waits is no form that was sent.
  const submit = (event: SubmitEvent): void => {
    if (!files.mayGo()) {
      event.preventDefault();
      return event.stopImmediatePropagation();
    }
    all("[data-file-id]", form).forEach((old) => old.remove());
    for (const { file_id } of draft ? files.staged : files.take()) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "file_ids", value: file_id });
      field.dataset.fileId = "";
      form.append(field);
    }
  };
  form.addEventListener("submit", submit, true);
}

all<HTMLFormElement>("form[data-attach]")
  .filter((form) => !form.closest("[data-newest]"))
  .forEach(start);
