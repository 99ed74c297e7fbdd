// While nobody attends: a count of customers' new words in the tab's title, and notifications of the browser.
import { attended, onAttention } from "./attention";
import { all, one, sentence } from "./dom";
import { news } from "./tab";
import { onBell, onTicket } from "./watch";

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

type Told = { kind: string; ticket_id: string; number: number };

function tell(told: Told, desk: string): void {
  const words = (name: string) => sentence(`[data-notice="${name}"]`, document, { number: String(told.number) });
  let notice: Notification;
  try {
    // One a ticket: what comes next takes the place of what came before.
    notice = new Notification(words(told.kind), { body: words("body"), icon: words("icon"), tag: told.ticket_id });
  } catch {
    return; // Browsers of phones show them only for an installed page.
  }
  notice.addEventListener("click", () => {
    notice.close();
    window.focus();
    location.assign(`${desk}/tickets/${told.ticket_id}`);
  });
}

/** What rings the bell, as far as the agent wants to hear of it here. */
function startNotices(tools: HTMLElement): void {
  if (!("Notification" in window) || !("locks" in navigator)) return;
  const { workspace, desk, notices } = tools.dataset;
  const wanted = new Set(notices!.split(" "));
  const tabs = new Tabs(workspace!);
  const notify = (told: Told) => {
    if (!wanted.has(told.kind) || Notification.permission !== "granted") return;
    void tabs.mayTell().then((may) => may && tell(told, desk!));
  };
  onBell(({ kind, ticket_id, number }) => kind && notify({ kind, ticket_id: ticket_id!, number: number! }));
  onTicket(({ spoke, status, assignee_id, ticket_id, number }) => {
    if (spoke === "customer" && status === "new" && !assignee_id) notify({ kind: "unassigned", ticket_id, number });
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
  if (tools?.hasAttribute("data-notices")) startNotices(tools);
}
