// What a person sent and the server has not yet acknowledged. It survives a reload, goes out in
// order, one at a time, and is tried again for as long as only the network is in the way. Whoever
// wants to be able to take a message back has it held for a few seconds first.
import type { Api, Outgoing } from "./api";
import type { Attachment, Message } from "./frames";
import { load, local, save } from "./keep";
import { newId } from "./dom";
import { now } from "./times";

/** `due` is when a held one goes out, in milliseconds since 1970. */
export type Unsent = Outgoing & { at: string; state: "held" | "pending" | "failed"; code: string; due?: number };

export interface Tray {
  show(unsent: Unsent, waiting: boolean): void;
  /** `then`: the status that was asked for with it. */
  sent(message: Message, status: string | null, then: string): void;
  refused(unsent: Unsent, code: string): void;
  /** Another tab sent or discarded it. */
  gone(clientId: string): void;
}

const LONGEST_WAIT = 30_000;
/** A clock that was set back must not hold a message for hours. */
const LONGEST_HOLD = 10_000;

const filesOf = (unsent: Unsent[]): Attachment[] => unsent.flatMap(({ files }) => files ?? []);

export class Outbox {
  #busy = false;
  #tries = 0;
  #wake: (() => void) | null = null;
  #notBefore = 0;
  #holdTimer = 0;
  /** What this tab sent: others are not its to hurry. */
  #own = new Set<string>();
  #memory: Unsent[];
  #stored = true;

  constructor(
    readonly key: string,
    readonly api: Api,
    readonly tray: Tray,
    readonly mostFiles: number,
  ) {
    this.#memory = load<Unsent[]>(local, key) ?? [];
    addEventListener("storage", (event) => event.key === key && this.#otherTab());
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("pagehide", () => this.#part());
    addEventListener("pageshow", (event) => event.persisted && void this.#flush());
  }

  begin(): void {
    this.#memory.forEach((unsent) => this.tray.show(unsent, false));
    void this.#flush();
  }

  /** `hold` is for how many milliseconds it can be taken back. */
  add(content: string, more: Partial<Outgoing> = {}, hold = 0): void {
    const unsent: Unsent = { client_id: newId(), content, ...more, at: now().toISOString(), state: "pending", code: "" };
    if (hold) Object.assign(unsent, { state: "held", due: Date.now() + hold });
    this.#own.add(unsent.client_id);
    this.#store([...this.#read(), unsent]);
    this.tray.show(unsent, false);
    void this.#flush();
  }

  /** What had been sent and is gone: it can be sent again, and if it is there after all, it stays one message. */
  lost(gone: Pick<Unsent, "client_id" | "content" | "files" | "at">[], more: Partial<Outgoing>): void {
    const known = new Set(this.#read().map((unsent) => unsent.client_id));
    const lost = gone
      .filter((each) => !known.has(each.client_id))
      .map((each): Unsent => ({ ...each, ...more, state: "failed", code: "gone" }));
    this.#store([...this.#read(), ...lost]);
    // Those that another tab has noted already are not yet shown as gone here.
    const ids = new Set(gone.map((each) => each.client_id));
    this.#memory.filter((unsent) => ids.has(unsent.client_id)).forEach((unsent) => this.tray.show(unsent, false));
  }

  /** It stands in the conversation: whoever sent it, here there is nothing left to do. */
  arrived(clientId: string): void {
    if (this.#read().some((unsent) => unsent.client_id === clientId && unsent.code === "gone")) this.discard(clientId);
  }

  /** Takes a message back: out of the tray, whatever its state, unless it may be on its way. */
  take(clientId: string): Unsent | undefined {
    const found = this.#read().find((unsent) => unsent.client_id === clientId && unsent.state !== "pending");
    if (found) this.discard(clientId);
    return found;
  }

  /** After a conflict the id stands for other words: this message goes out as a new one. */
  retry(clientId: string, seen?: number): void {
    const refused = this.#read().find((unsent) => unsent.client_id === clientId);
    const id = refused?.code === "conflict" ? newId() : clientId;
    const change: Partial<Unsent> = { client_id: id, state: "pending", code: "" };
    if (seen !== undefined && refused?.seen !== undefined) change.seen = seen;
    const unsent = this.#change(clientId, change);
    if (unsent) this.tray.show(unsent, false);
    void this.#flush();
  }

  discard(clientId: string): void {
    this.#store(this.#read().filter((unsent) => unsent.client_id !== clientId));
  }

  /** The network is back, says someone: stop waiting, except where the server named a time. */
  hurry(): void {
    this.#wake?.();
  }

  /** Two tabs share one tray: the lock keeps them from sending the same thing at once. */
  async #flush(): Promise<void> {
    if (this.#busy) return this.hurry();
    this.#busy = true;
    try {
      if (navigator.locks) await navigator.locks.request(this.key, () => this.#drain());
      else await this.#drain();
    } finally {
      this.#busy = false;
    }
    if (this.#next()) void this.#flush();
    else this.#wait();
  }

  async #drain(): Promise<void> {
    for (let unsent = this.#next(); unsent; unsent = this.#next()) {
      if (unsent.state === "held") {
        // From here on it cannot be taken back.
        unsent = this.#change(unsent.client_id, { state: "pending" }) ?? unsent;
        this.tray.show(unsent, false);
      }
      const answer = await this.api.send(unsent);
      if (answer.kind === "later") {
        this.tray.show(unsent, true);
        await this.#pause(answer.after);
        continue;
      }
      this.#tries = 0;
      if (answer.kind === "sent") {
        this.discard(unsent.client_id);
        this.tray.sent(answer.message, answer.status, unsent.then ?? "");
      } else {
        const failed = this.#change(unsent.client_id, { state: "failed", code: answer.code });
        if (failed) this.tray.show(failed, false);
        this.tray.refused(unsent, answer.code);
      }
    }
  }

  async #pause(atLeast: number): Promise<void> {
    const ceiling = Math.min(LONGEST_WAIT, 1_000 * 2 ** this.#tries++);
    const pause = Math.max(atLeast, 500 + Math.random() * (ceiling - 500));
    this.#notBefore = performance.now() + atLeast;
    await new Promise<void>((resolve) => {
      const timer = window.setTimeout(resolve, pause);
      this.#wake = () => {
        if (performance.now() < this.#notBefore) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  /** The oldest that has not failed; nothing overtakes one that is held. */
  #next(): Unsent | undefined {
    const first = this.#read().find((unsent) => unsent.state !== "failed");
    return first && !this.#held(first) ? first : undefined;
  }

  #held(unsent: Unsent): boolean {
    const left = (unsent.due ?? 0) - Date.now();
    return unsent.state === "held" && left > 0 && left <= LONGEST_HOLD;
  }

  #wait(): void {
    clearTimeout(this.#holdTimer);
    const first = this.#read().find((unsent) => unsent.state !== "failed");
    if (first?.due) this.#holdTimer = window.setTimeout(() => void this.#flush(), first.due - Date.now() + 10);
  }

  /**
   * Who leaves the page means it: what was held goes out now, and again on the next visit if that fails. It goes as
   * one message, because nothing is left that could send one after the other; what that one has no room for waits for
   * the next visit.
   */
  #part(): void {
    const mine = this.#read().filter((each) => each.state === "held" && this.#own.has(each.client_id));
    const held = mine.filter((_, at) => filesOf(mine.slice(0, at + 1)).length <= this.mostFiles);
    const [first, ...rest] = held;
    if (!first) return;
    for (const unsent of rest) {
      this.discard(unsent.client_id);
      this.tray.gone(unsent.client_id);
    }
    const content = held.flatMap((unsent) => unsent.content || []).join("\n\n");
    const { seen, then } = held.at(-1)!;
    const change: Partial<Unsent> = { content, files: filesOf(held), state: "pending" };
    const whole = this.#change(first.client_id, { ...change, ...(seen && { seen }), ...(then && { then }) });
    if (whole) void this.api.send(whole, true);
  }

  #change(clientId: string, change: Partial<Unsent>): Unsent | undefined {
    const items = this.#read();
    const index = items.findIndex((unsent) => unsent.client_id === clientId);
    const found = items[index];
    if (!found) return undefined;
    const changed = { ...found, ...change };
    this.#store(items.with(index, changed));
    return changed;
  }

  /** The stored list is the truth, because other tabs write it; where storage is off or full, our own memory is. */
  #read(): Unsent[] {
    return (this.#stored ? load<Unsent[]>(local, this.key) : null) ?? this.#memory;
  }

  #store(items: Unsent[]): void {
    this.#memory = items;
    this.#stored = save(local, this.key, items.length ? items : null);
  }

  #otherTab(): void {
    if (!this.#stored) return;
    const here = this.#memory;
    this.#memory = load<Unsent[]>(local, this.key) ?? [];
    const kept = new Set(this.#memory.map((unsent) => unsent.client_id));
    here.filter((unsent) => !kept.has(unsent.client_id)).forEach((unsent) => this.tray.gone(unsent.client_id));
    this.#memory.forEach((unsent) => this.tray.show(unsent, false));
    this.#wait();
  }
}
