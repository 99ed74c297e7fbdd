// New words of customers while nobody looks: a count in the tab's title, and a notification of the browser.
import { all, one, sentence } from "./dom";
import type { TicketFrame } from "./frames";
import { onTicket } from "./watch";

/** The title as it is without a count, and as we wrote it; a page may give itself another one meanwhile. */
class Title {
  #count = 0;
  #plain = document.title;
  #written = "";

  add(): void {
    this.#count += 1;
    this.show();
  }

  clear(): void {
    this.#count = 0;
    if (document.title === this.#written) document.title = this.#plain;
  }

  show(): void {
    if (!this.#count) return;
    if (document.title !== this.#written) this.#plain = document.title;
    this.#written = sentence("[data-title-count]", document, { count: String(this.#count), page: this.#plain });
    document.title = this.#written;
  }
}

function startTitle(): void {
  const title = new Title();
  onTicket((frame) => {
    if (frame.spoke === "customer" && document.hidden) title.add();
  });
  document.addEventListener("visibilitychange", () => document.hidden || title.clear());
  document.addEventListener("htmx:after:swap", () => title.show());
}

/** Of all the tabs, the one that holds the first lock tells; as long as any of them is in sight, none does. */
class Tabs {
  #teller = false;
  #leave: (() => void)[] = [];

  constructor(readonly workspace: string) {
    void navigator.locks.request(`parlour:teller:${workspace}`, () => {
      this.#teller = true;
      return new Promise<void>(() => undefined);
    });
    document.addEventListener("visibilitychange", () => this.#look());
    this.#look();
  }

  get #inSight(): string {
    return `parlour:in-sight:${this.workspace}`;
  }

  #look(): void {
    this.#leave.splice(0).forEach((leave) => leave());
    if (document.hidden) return;
    const stay = () => (document.hidden ? undefined : new Promise<void>((leave) => this.#leave.push(leave)));
    void navigator.locks.request(this.#inSight, { mode: "shared" }, stay);
  }

  async mayTell(): Promise<boolean> {
    if (!this.#teller || !document.hidden) return false;
    const { held = [] } = await navigator.locks.query();
    return !held.some((lock) => lock.name === this.#inSight);
  }
}

function tell(frame: TicketFrame, desk: string): void {
  const words = (name: string) => sentence(`[data-notice="${name}"]`, document, { number: String(frame.number) });
  let notice: Notification;
  try {
    // One a ticket: what comes next takes the place of what came before.
    notice = new Notification(words("title"), { body: words("body"), icon: words("icon"), tag: frame.ticket_id });
  } catch {
    return; // Browsers of phones show them only for an installed page.
  }
  notice.addEventListener("click", () => {
    notice.close();
    window.focus();
    location.assign(`${desk}/tickets/${frame.ticket_id}`);
  });
}

function startNotices(tools: HTMLElement): void {
  if (!("Notification" in window) || !("locks" in navigator)) return;
  const { workspace, desk } = tools.dataset;
  const tabs = new Tabs(workspace!);
  onTicket((frame) => {
    if (frame.spoke !== "customer" || Notification.permission !== "granted") return;
    void tabs.mayTell().then((may) => may && tell(frame, desk!));
  });
}

/** On the profile's page: whether this browser shows them at all. It is asked only when somebody says so. */
function startPermission(box: HTMLElement): void {
  const state = () => ("Notification" in window && "locks" in navigator ? Notification.permission : "impossible");
  const show = () => {
    for (const part of all("[data-permission]", box)) part.hidden = part.dataset.permission !== state();
  };
  one("button", box)?.addEventListener("click", () => void Notification.requestPermission().then(show));
  box.hidden = false;
  show();
}

export function startNotify(): void {
  const box = one("[data-notify-permission]");
  if (box) startPermission(box);
  const tools = one("[data-desk-tools]");
  if (tools?.hasAttribute("data-title-badge")) startTitle();
  if (tools?.hasAttribute("data-notify")) startNotices(tools);
}
