// The lines around the log: who is here, who is typing, and whether the page is connected.
import type { Frame, Person, Side } from "./frames";
import type { State } from "./socket";
import { all, apart, comingBack, copy, must, one, said, setField } from "./dom";

const TYPING_LASTS = 5_000;
const names = (people: string[]): string =>
  new Intl.ListFormat(document.documentElement.lang || undefined, { type: "conjunction" }).format(people.map(apart));

export class Presence {
  #here: Extract<Frame, { t: "presence" }> | null = null;
  readonly #typing = new Map<string, { side: Side; name: string; timer: number }>();
  #lost = false;
  #patience = 0;

  constructor(
    readonly room: HTMLElement,
    readonly side: Side,
    readonly me: string,
    readonly announce: (text: string) => void,
  ) {}

  here(frame: Extract<Frame, { t: "presence" }>): void {
    this.#here = frame;
    this.#showHere(frame);
  }

  #showHere(frame: Extract<Frame, { t: "presence" }>): void {
    const present = frame.agents.filter((agent) => agent.id !== this.me);
    const others = present.filter((agent) => this.#known(agent.name));
    const line = present.length && !others.length ? "team-here" : this.#line(others, frame.customer);
    const text = said(`[data-here="${line}"]`, this.room, { names: names(others.map((agent) => agent.name)) });
    const place = must("[data-presence]", this.room);
    place.toggleAttribute("data-here", this.side === "customer" ? present.length > 0 : frame.customer);
    if (place.textContent === text) return;
    const content = copy("[data-presence-line]", this.room)!;
    setField(content, "text", text);
    place.replaceChildren(content);
  }

  /** To a customer an agent is the team, until he or she has answered. */
  #known(name: string): boolean {
    if (this.side !== "customer") return true;
    return all('li[data-sender="agent"] .message-author', this.room).some((author) => author.textContent === name);
  }

  #line(others: Person[], customer: boolean): string {
    const here = others.length === 1 ? "agent-here" : "agents-here";
    if (this.side === "customer") return others.length ? here : "agents-away";
    return this.#forAgent(others, customer);
  }

  #forAgent(others: Person[], customer: boolean): string {
    const line = customer ? "customer-here" : "customer-away";
    if (!others.length) return line;
    return others.length === 1 ? `${line}-with` : `${line}-with-some`;
  }

  typing(side: Side, name: string): void {
    const key = `${side} ${name}`;
    clearTimeout(this.#typing.get(key)?.timer);
    this.#typing.set(key, { side, name, timer: window.setTimeout(() => this.stopped(side, name), TYPING_LASTS) });
    this.#showTyping();
  }

  stopped(side: string, name: string): void {
    const key = `${side} ${name}`;
    clearTimeout(this.#typing.get(key)?.timer);
    if (this.#typing.delete(key)) this.#showTyping();
  }

  /** Somebody's words have come: they type no more, and a customer now knows their name. */
  spoke(side: string, name: string): void {
    this.stopped(side, name);
    if (this.#here) this.#showHere(this.#here);
  }

  #showTyping(): void {
    const place = must("[data-typing]", this.room);
    const typing = [...this.#typing.values()].map((person) => person.name);
    if (typing.length === 0) return place.replaceChildren();
    const people = typing.filter((name) => this.#known(name));
    const text = !people.length
      ? said('[data-text="typing-team"]', this.room)
      : people.length === 1
        ? said('[data-text="typing-one"]', this.room, { name: people[0]! })
        : said('[data-text="typing-many"]', this.room, { names: names(people) });
    if (place.textContent.trim() === text) return;
    place.replaceChildren(...[copy("[data-typing-dots]", this.room), text].filter((node) => node !== null));
  }

  /** Short gaps are nobody's business: the line changes at once, the word that it is lost comes after two seconds. */
  connection(state: State): void {
    clearTimeout(this.#patience);
    const place = must("[data-connection]", this.room);
    if (state === "live") {
      place.dataset.state = state;
      if (this.#lost) this.announce(said('[data-text="you-are-back"]', this.room));
      this.#lost = false;
      return;
    }
    if (!this.#lost && !place.dataset.state) place.dataset.state = "connecting";
    this.#patience = window.setTimeout(() => {
      place.dataset.state = state;
      // Who is here is not known any more.
      this.#here = null;
      must("[data-presence]", this.room).replaceChildren();
      if (state !== "offline" || this.#lost) return;
      this.#lost = true;
      this.announce(said('[data-text="you-are-offline"]', this.room));
    }, state === "offline" ? 1_200 : 400);
  }

  /** The connection is over for good, and says what to do. */
  banner(why: string): void {
    clearTimeout(this.#patience);
    must("[data-connection]", this.room).dataset.state = "over";
    this.#here = null;
    must("[data-presence]", this.room).replaceChildren();
    const content = copy(`[data-banner-for="${why}"]`, this.room);
    if (content) one("[data-banner]", this.room)?.replaceChildren(comingBack(content));
  }
}
