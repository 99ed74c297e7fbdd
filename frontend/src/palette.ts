// The command palette: actions, tickets and views under one field. A combobox with a list, as the ARIA
// authoring practices describe it: the focus stays in the field, the arrows move through the options.
import htmx from "htmx.org";
import { commands, place, possible, tools } from "./commands";
import { bringDialogs, whenThere } from "./dialogs";
import { all, must, near, one } from "./dom";

const PAUSE = 150;

class Palette {
  readonly #field: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #busy: HTMLElement;
  #timer = 0;
  #asked = 0;
  /** What was found belongs to an earlier text. */
  #stale = false;
  #entered = false;
  #failed = false;
  #scope: readonly string[] = [];
  /** What the commands are about: where the focus was before. */
  #where: HTMLElement | null = null;

  constructor(readonly dialog: HTMLDialogElement) {
    this.#field = must<HTMLInputElement>("[role=combobox]", dialog);
    this.#list = must("[role=listbox]", dialog);
    this.#busy = must("[data-palette-busy]", dialog);
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("pointermove", (event) => this.#point(event));
    this.#list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list.addEventListener("click", (event) => this.#click(event));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.#forget());
  }

  /** `scope`: the kinds of change alone that are offered. */
  open(scope: readonly string[] = []): void {
    this.#scope = scope;
    this.#where = place();
    this.#judge();
    this.#field.value = "";
    this.dialog.showModal();
    this.#narrow();
    this.#choose(this.#shown[0]);
    void this.#load();
  }

  #judge(): void {
    for (const action of all("[data-command]", this.#list)) {
      const { command, change } = action.dataset;
      action.toggleAttribute("data-impossible", !possible(command!, this.#where, change));
    }
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#entered = false;
  }

  get #shown(): HTMLElement[] {
    return all("[role=option]:not([hidden])", this.#list);
  }

  get #active(): HTMLElement | null {
    return one("[aria-selected=true]:not([hidden])", this.#list);
  }

  #typed(): void {
    clearTimeout(this.#timer);
    this.#stale = true;
    this.#entered = false;
    this.#narrow();
    this.#choose(this.#shown[0]);
    this.#timer = window.setTimeout(() => void this.#load(), PAUSE);
  }

  async #load(): Promise<void> {
    const asked = ++this.#asked;
    const found = must("#palette-found", this.#list);
    const url = `${this.dialog.dataset.palette}?q=${encodeURIComponent(this.#field.value.trim())}`;
    let answered = false;
    const swapped = () => (answered = true);
    found.addEventListener("htmx:before:swap", swapped);
    this.#stale = true;
    this.#busy.hidden = false;
    const request = { source: found, target: found, select: "#palette-found", swap: "outerMorph" };
    await htmx.ajax("GET", url, request as Parameters<typeof htmx.ajax>[2]).catch(() => undefined);
    found.removeEventListener("htmx:before:swap", swapped);
    if (asked !== this.#asked) return;
    this.#settle(!answered || !one("#palette-found [role=group]", this.#list));
  }

  #settle(failed: boolean): void {
    this.#busy.hidden = true;
    this.#stale = false;
    this.#failed = failed;
    this.#judge();
    // The answer's options know nothing of what was chosen while it was on its way.
    const chosen = this.#field.getAttribute("aria-activedescendant");
    this.#narrow();
    this.#choose(this.#shown.find((option) => option.id === chosen) ?? this.#shown[0]);
    if (this.#entered) this.#active?.click();
    this.#entered = false;
  }

  /** Every word has to occur. The server has narrowed the tickets; while it has not yet, they are left out. */
  #narrow(): void {
    const words = this.#field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of all("[role=option]", this.#list)) {
      const text = option.textContent.toLowerCase();
      const named = words.every((word) => text.includes(word));
      const fits = named || !("local" in option.dataset || this.#stale);
      // Whoever types fast does not change a ticket by chance.
      const early = "change" in option.dataset && this.#stale && !this.#scope.length;
      const meant = !this.#scope.length || this.#scope.includes(option.dataset.change?.split(":")[0] ?? "");
      option.hidden = !fits || !meant || early || "impossible" in option.dataset;
    }
    for (const group of all("[data-palette-group]", this.#list)) {
      group.hidden = !one("[role=option]:not([hidden])", group);
    }
    const nothing = this.#shown.length === 0;
    must('[data-palette-state="failed"]', this.dialog).hidden = !this.#failed;
    must('[data-palette-state="empty"]', this.dialog).hidden = !nothing || this.#failed || this.#stale;
  }

  #choose(option: HTMLElement | undefined, scroll = true): void {
    for (const each of all("[aria-selected=true]", this.#list)) each.setAttribute("aria-selected", "false");
    if (!option) return this.#field.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    this.#field.setAttribute("aria-activedescendant", option.id);
    if (scroll) option.scrollIntoView({ block: "nearest" });
    // With the first option, its heading too.
    if (scroll && option === this.#shown[0]) this.#list.scrollTop = 0;
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const shown = this.#shown;
      const active = this.#active;
      const next = (active ? shown.indexOf(active) : -1) + (event.key === "ArrowDown" ? 1 : -1);
      this.#choose(shown[(next + shown.length) % shown.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (event.repeat) return;
      // Somebody who types fast means what the words will find, not what an earlier word has found.
      if (this.#active) this.#active.click();
      else this.#entered = this.#stale;
    }
  }

  /** A list that changes under a pointer at rest is no choice: the browser then tells of a move of no length. */
  #point(event: PointerEvent): void {
    if (!event.movementX && !event.movementY) return;
    const option = near(event, "[role=option]");
    if (option && option !== this.#active) this.#choose(option, false);
  }

  #click(event: MouseEvent): void {
    const option = near(event, "[role=option]");
    if (!option || event.ctrlKey || event.metaKey || event.shiftKey) return;
    // First closed: the focus is back where it was, and the command is about that place.
    this.dialog.close();
    const command = option.dataset.command;
    if (command) commands[command]?.(option.dataset.change);
  }
}

let palette: Palette | null = null;

function open(scope: readonly string[]): void {
  const dialog = one<HTMLDialogElement>("dialog[data-palette]");
  palette ??= dialog && new Palette(dialog);
  palette?.open(scope);
}

export function openPalette(scope: readonly string[] = []): boolean {
  if (!tools()) return false;
  if (palette) open(scope);
  else void whenThere(() => open(scope));
  return true;
}

export function startPalette(): void {
  void bringDialogs();
  document.addEventListener("click", (event) => {
    if (near(event, "[data-open-palette]")) openPalette();
    else if (near(event, "[data-open-keys]")) commands.keys!();
  });
}
