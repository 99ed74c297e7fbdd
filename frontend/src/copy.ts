// A button that copies the field beside it. Where a page may not reach the clipboard, the text is marked, to be copied.
import { must, near, one } from "./dom";

async function copy(button: HTMLElement): Promise<void> {
  const field = must<HTMLInputElement>(`#${CSS.escape(button.dataset.copy!)}`);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    return;
  }
  const live = one("#live");
  if (live) live.textContent = button.dataset.copied!;
  button.textContent = button.dataset.copied!;
}

export function startCopy(): void {
  document.addEventListener("click", (event) => {
    const button = near(event, "[data-copy]");
    if (button) void copy(button);
  });
}
