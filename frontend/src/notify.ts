// New words of customers while nobody attends: a count in the tab's title, and a notification of the browser.
import { attended, onAttention } from "./attention";
import { all, one, sentence } from "./dom";
import type { TicketFrame } from "./frames";
import { news } from "./tab";
import { onTicket } from "./watch";

/** A room on the page counts its own messages; every other ticket is heard of here. */
function startCount(): void {
  const own = one("[data-room]")?.dataset.ticket;
  onTicket((frame) => {
    if (frame.spoke === "customer" && frame.ticket_id !== own) news();
  });
}

/** Of all the tabs, the one that holds the first lock tells; as long as somebody attends to any, none does. */
class Tabs {
  #teller = false;
  #leave: (() => void)[] = [];

  constructor(readonly workspace: string) {
    void navigator.locks.request(`parlour:teller:${workspace}`, () => {
      this.#teller = true;
      return new Promise<void>(() => undefined);
    });
    onAttention(() => this.#look());
    this.#look();
  }

  get #attended(): string {
    return `parlour:attended:${this.workspace}`;
  }

  #look(): void {
    this.#leave.splice(0).forEach((leave) => leave());
    if (!attended()) return;
    const stay = () => (!attended() ? undefined : new Promise<void>((leave) => this.#leave.push(leave)));
    void navigator.locks.request(this.#attended, { mode: "shared" }, stay);
  }

  async mayTell(): Promise<boolean> {
    if (!this.#teller || attended()) return false;
    const { held = [] } = await navigator.locks.query();
    return !held.some((lock) => lock.name === this.#attended);
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
  if (tools?.hasAttribute("data-title-badge")) startCount();
  if (tools?.hasAttribute("data-notify")) startNotices(tools);
}
