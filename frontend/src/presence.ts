// The lines around the log: who is here, who is typing, and whether the page is connected.
import type { Frame, Person, Side } from "./frames";
import type { State } from "./socket";
import { copy, fillField, must, one, sentence } from "./dom";

const TYPING_LASTS = 5_000;
const names = (people: string[]): string =>
  new Intl.ListFormat(document.documentElement.lang || undefined, { type: "conjunction" }).format(people);

export class Presence {
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
    const others = frame.agents.filter((agent) => agent.id !== this.me);
    const line = this.#line(others, frame.customer);
    const content = copy(`[data-presence-line="${line}"]`, this.room);
    if (!content) return;
    fillField(content, "text", { names: names(others.map((agent) => agent.name)) });
    const place = must("[data-presence]", this.room);
    place.toggleAttribute("data-here", this.#amongAgents || this.side === "customer" ? others.length > 0 : frame.customer);
    if (place.textContent.trim() !== content.textContent.trim()) place.replaceChildren(content);
  }

  /** Where customers never come: among the notes. */
  get #amongAgents(): boolean {
    return this.room.hasAttribute("data-internal");
  }

  #line(others: Person[], customer: boolean): string {
    const here = others.length === 1 ? "agent-here" : "agents-here";
    if (this.#amongAgents) return others.length ? here : "nobody-else";
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

  #showTyping(): void {
    const place = must("[data-typing]", this.room);
    const people = [...this.#typing.values()].map((person) => person.name);
    if (people.length === 0) return place.replaceChildren();
    const text =
      people.length === 1
        ? sentence('[data-text="typing-one"]', this.room, { name: people[0]! })
        : sentence('[data-text="typing-many"]', this.room, { names: names(people) });
    if (place.textContent.trim() === text) return;
    place.replaceChildren(...[copy("[data-typing-dots]", this.room), text].filter((node) => node !== null));
  }

  /** Short gaps are nobody's business: the line changes at once, the word that it is lost comes after two seconds. */
  connection(state: State): void {
    clearTimeout(this.#patience);
    const place = must("[data-connection]", this.room);
    if (state === "live") {
      place.dataset.state = state;
      if (this.#lost) this.announce(sentence('[data-text="you-are-back"]', this.room));
      this.#lost = false;
      return;
    }
    if (!this.#lost && !place.dataset.state) place.dataset.state = "connecting";
    this.#patience = window.setTimeout(() => {
      place.dataset.state = state;
      // Who is here is not known any more.
      must("[data-presence]", this.room).replaceChildren();
      if (state !== "offline" || this.#lost) return;
      this.#lost = true;
      this.announce(sentence('[data-text="you-are-offline"]', this.room));
    }, state === "offline" ? 1_200 : 400);
  }

  /** The connection is over for good, and says what to do. */
  banner(why: string): void {
    clearTimeout(this.#patience);
    must("[data-connection]", this.room).dataset.state = "over";
    must("[data-presence]", this.room).replaceChildren();
    const content = copy(`[data-banner-for="${why}"]`, this.room);
    if (content) one("[data-banner]", this.room)?.replaceChildren(content);
  }
}
