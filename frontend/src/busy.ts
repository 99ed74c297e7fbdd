// A form on its way says so and takes no second click.
import { all, near, one } from "./dom";

function busy(button: HTMLButtonElement): void {
  button.ariaBusy = "true";
  button.disabled = true;
}

function idle(button: HTMLButtonElement): void {
  button.removeAttribute("aria-busy");
  button.disabled = false;
}

export function startBusy(): void {
  document.addEventListener("submit", (event) => {
    const form = near<HTMLFormElement>(event, "form[data-busy]");
    if (!form || event.defaultPrevented) return;
    const button = (event.submitter ?? one('button[type="submit"]', form)) as HTMLButtonElement | null;
    // After the event: a disabled button's own value would stay behind.
    if (button) setTimeout(() => busy(button));
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) all<HTMLButtonElement>('form[data-busy] button[aria-busy="true"]').forEach(idle);
  });
}
