// Menus are <details>: they open without a script. With one they close again as menus do.
import { all, near, one } from "./dom";

const OPEN = "details[data-menu][open]";

function close(menu: HTMLElement, focus: boolean): void {
  (menu as HTMLDetailsElement).open = false;
  if (focus) one("summary", menu)?.focus();
}

export function startMenus(): void {
  document.addEventListener("click", (event) => {
    for (const menu of all(OPEN)) if (!menu.contains(event.target as Node)) close(menu, false);
  });
  document.addEventListener("focusout", (event) => {
    const menu = near(event, OPEN);
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget as Node)) close(menu, false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    const menu = near(event, OPEN) ?? one(OPEN);
    if (menu) close(menu, true);
  });
  // A form with one choice shows its button once something else is chosen.
  document.addEventListener("change", (event) => {
    near(event, "form[data-unchanged]")?.removeAttribute("data-unchanged");
  });
}
