// Files in a form that the browser sends itself: they go up at once, and the form takes their ids along.
import { Attach } from "./attach";
import { all, one } from "./dom";
import { session } from "./keep";

function start(form: HTMLFormElement): void {
  const announce = (text: string): void => {
    const live = one("#live");
    if (live) live.textContent = text;
  };
  const files = new Attach(form, form, `parlour:form:${form.dataset.draft}`, session, {
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
    for (const { file_id } of files.staged) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "file_ids", value: file_id });
      field.dataset.fileId = "";
      form.append(field);
    }
  };
  form.addEventListener("submit", submit, true);
}

all<HTMLFormElement>("form[data-attach][data-draft]").forEach(start);
