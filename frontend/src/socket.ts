// The page's one WebSocket: it comes back by itself for ever, unless the server says that it must not.
import type { Frame, Request } from "./frames";

export type State = "live" | "connecting" | "offline";
export type Ending = "protocol" | "signed_out" | "revoked";

const ENDINGS: Record<number, Ending> = { 4400: "protocol", 4401: "signed_out", 4403: "revoked" };
const SILENCE = 45_000;
const HANDSHAKE = 15_000;
const LONGEST_WAIT = 30_000;
const TOO_MANY = 4429;

export interface Listener {
  frame(frame: Frame): void;
  /** `failures` counts attempts in a row that brought nothing. */
  state(state: State, failures: number): void;
  ended(why: Ending): void;
}

export class Socket {
  #socket: WebSocket | null = null;
  #failures = 0;
  #timer = 0;
  #heard = 0;
  #opened = 0;
  #greeted = false;
  #notBefore = 0;
  #over = false;

  constructor(
    readonly url: string,
    readonly listener: Listener,
  ) {
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    addEventListener("online", () => this.open());
    addEventListener("offline", () => {
      if (!this.#socket) return;
      this.#drop();
      this.#wait();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#watch();
      this.open();
    });
    setInterval(() => this.#watch(), 5_000);
  }

  /** Connects now, unless connected, over, or told by the server to stay away for a while. */
  open(): void {
    if (this.#socket || this.#over || performance.now() < this.#notBefore) return;
    clearTimeout(this.#timer);
    const address = new URL(this.url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(address));
    this.#heard = this.#opened = performance.now();
    this.#greeted = false;
    this.listener.state("connecting", this.#failures);
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data as string);
    socket.onclose = (event) => socket === this.#socket && this.#closed(event.code);
  }

  send(request: Request): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  #receive(text: string): void {
    this.#heard = performance.now();
    const frame = JSON.parse(text) as Frame;
    if (frame.t === "hello") {
      this.#greeted = true;
      this.listener.state("live", 0);
    }
    if (frame.t === "heads") this.send({ t: "alive" });
    this.listener.frame(frame);
  }

  #closed(code: number): void {
    this.#socket = null;
    const ending = ENDINGS[code];
    if (ending) {
      this.#over = true;
      this.listener.state("offline", this.#failures);
      this.listener.ended(ending);
    } else this.#wait(code === TOO_MANY ? 10_000 : 0);
  }

  /** Full jitter: thousands of pages that lost one server must not come back in step. */
  #wait(atLeast = 0): void {
    // A connection that was refused at once after its greeting must not be tried in a tight loop.
    const held = this.#greeted && performance.now() - this.#opened > 5_000;
    this.#failures = held ? 0 : this.#failures + 1;
    const ceiling = Math.min(LONGEST_WAIT, 500 * 2 ** (this.#failures + 1));
    const pause = Math.min(LONGEST_WAIT, atLeast + 500 + Math.random() * (ceiling - 500));
    if (atLeast) this.#notBefore = performance.now() + pause;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.open(), pause + 1);
    this.listener.state("offline", this.#failures);
  }

  /** A network that went away without a word is noticed by its silence. */
  #watch(): void {
    if (!this.#socket) return;
    const limit = this.#greeted ? SILENCE : HANDSHAKE;
    if (performance.now() - this.#heard < limit) return;
    this.#drop();
    this.#wait();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
