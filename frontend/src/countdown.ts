// Under each message that is held: how long it can still be taken back.
import { all, said, setField } from "./dom";

export class Countdown {
  #timer = 0;

  constructor(readonly room: HTMLElement) {}

  run(): void {
    clearTimeout(this.#timer);
    const held = all('li[data-state="held"]', this.room);
    for (const item of held) {
      const seconds = Math.max(0, Math.ceil((Number(item.dataset.due) - Date.now()) / 1_000));
      setField(item, "countdown", said('[data-text="countdown"]', this.room, { seconds: String(seconds) }));
    }
    if (held.length) this.#timer = window.setTimeout(() => this.run(), 250);
  }
}
