// Light, dark, or whatever the system says. The server reads the cookie, so no page flashes.
import { all, near } from "./dom";

type Theme = "light" | "dark" | "system";
const NEXT: Record<Theme, Theme> = { light: "dark", dark: "system", system: "light" };
const root = document.documentElement;

const current = (): Theme =>
  root.classList.contains("dark") ? "dark" : root.classList.contains("light") ? "light" : "system";

function label(theme: Theme): void {
  for (const button of all("[data-theme-toggle]")) {
    const text = { light: button.dataset.labelLight, dark: button.dataset.labelDark, system: button.dataset.labelSystem }[theme];
    if (!text) continue;
    button.ariaLabel = text;
    button.title = text;
  }
}

function choose(theme: Theme): void {
  root.classList.remove("light", "dark");
  if (theme !== "system") root.classList.add(theme);
  root.dataset.theme = theme === "system" ? "" : theme;
  const life = theme === "system" ? 0 : 31_536_000;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=${life}; SameSite=Lax${secure}`;
  const scheme = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]');
  if (scheme) scheme.content = theme === "system" ? "light dark" : theme;
  label(theme);
}

export function startTheme(): void {
  label(current());
  document.addEventListener("click", (event) => {
    if (near(event, "[data-theme-toggle]")) choose(NEXT[current()]);
  });
}
