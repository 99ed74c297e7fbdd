// What a person sent and the server has not yet acknowledged. It survives a reload, goes out in
// order, one at a time, and is tried again for as long as only the network is in the way.
import type { Api } from "./api";
import type { Message } from "./frames";
import { load, local, save } from "./keep";
import { newId } from "./dom";

export type Unsent = { client_id: string; content: string; at: string; state: "pending" | "failed"; code: string };

export interface Tray {
  show(unsent: Unsent, waiting: boolean): void;
  sent(message: Message, status: string | null): void;
  refused(code: string): void;
  /** Another tab sent or discarded it. */
  gone(clientId: string): void;
}

const LONGEST_WAIT = 30_000;

export class Outbox {
  #busy = false;
  #tries = 0;
  #wake: (() => void) | null = null;
  #notBefore = 0;
  #memory: Unsent[];

  constructor(
    readonly key: string,
    readonly api: Api,
    readonly tray: Tray,
  ) {
    this.#memory = load<Unsent[]>(local, key) ?? [];
    addEventListener("storage", (event) => event.key === key && this.#otherTab());
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  begin(): void {
    this.#memory.forEach((unsent) => this.tray.show(unsent, false));
    void this.#flush();
  }

  add(content: string): void {
    const unsent: Unsent = { client_id: newId(), content, at: new Date().toISOString(), state: "pending", code: "" };
    this.#store([...this.#read(), unsent]);
    this.tray.show(unsent, false);
    void this.#flush();
  }

  /** After a conflict the id stands for other words: this message goes out as a new one. */
  retry(clientId: string): void {
    const refused = this.#read().find((unsent) => unsent.client_id === clientId);
    const id = refused?.code === "conflict" ? newId() : clientId;
    const unsent = this.#change(clientId, { client_id: id, state: "pending", code: "" });
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
  }

  async #drain(): Promise<void> {
    for (let unsent = this.#next(); unsent; unsent = this.#next()) {
      const answer = await this.api.send(unsent.client_id, unsent.content);
      if (answer.kind === "later") {
        this.tray.show(unsent, true);
        await this.#pause(answer.after);
        continue;
      }
      this.#tries = 0;
      if (answer.kind === "sent") {
        this.discard(unsent.client_id);
        this.tray.sent(answer.message, answer.status);
      } else {
        const failed = this.#change(unsent.client_id, { state: "failed", code: answer.code });
        if (failed) this.tray.show(failed, false);
        this.tray.refused(answer.code);
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

  #next = (): Unsent | undefined => this.#read().find((unsent) => unsent.state === "pending");

  #change(clientId: string, change: Partial<Unsent>): Unsent | undefined {
    const items = this.#read();
    const index = items.findIndex((unsent) => unsent.client_id === clientId);
    const found = items[index];
    if (!found) return undefined;
    const changed = { ...found, ...change };
    this.#store(items.with(index, changed));
    return changed;
  }

  /** The stored list is the truth, because other tabs write it; where storage is off, our own memory is. */
  #read(): Unsent[] {
    return load<Unsent[]>(local, this.key) ?? this.#memory;
  }

  #store(items: Unsent[]): void {
    this.#memory = items;
    save(local, this.key, items.length ? items : null);
  }

  #otherTab(): void {
    const here = this.#memory;
    this.#memory = load<Unsent[]>(local, this.key) ?? [];
    const kept = new Set(this.#memory.map((unsent) => unsent.client_id));
    here.filter((unsent) => !kept.has(unsent.client_id)).forEach((unsent) => this.tray.gone(unsent.client_id));
    this.#memory.forEach((unsent) => this.tray.show(unsent, false));
  }
}
