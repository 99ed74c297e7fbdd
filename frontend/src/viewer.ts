// A picture of the conversation, larger, and with the arrow keys all others. Brought when the first one is opened.
import { all, copyElement, must, setField } from "./dom";

const pictures = (): HTMLAnchorElement[] => all<HTMLAnchorElement>("[data-messages] a[data-picture]");

class Viewer {
  readonly #box = copyElement("[data-viewer]", document) as HTMLDialogElement;
  readonly #image = must<HTMLImageElement>(".viewer-stage img", this.#box);
  #shown!: HTMLAnchorElement;

  constructor() {
    const box = this.#box;
    must("[data-close]", box).addEventListener("click", () => box.close());
    for (const button of all("[data-step]", box)) button.addEventListener("click", () => this.#step(Number(button.dataset.step)));
    must(".viewer-stage", box).addEventListener("click", (event) => event.target === event.currentTarget && box.close());
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("close", () => this.#leave());
    this.#image.addEventListener("error", () => this.#broken(true));
    this.#image.addEventListener("load", () => this.#broken(false));
  }

  open(link: HTMLAnchorElement): void {
    document.body.append(this.#box);
    this.#box.showModal();
    this.#show(link);
    must("[data-close]", this.#box).focus();
  }

  #leave(): void {
    this.#box.remove();
    this.#image.removeAttribute("src");
    this.#shown.focus();
  }

  #broken(broken: boolean): void {
    this.#image.hidden = broken;
    must("[data-broken]", this.#box).hidden = !broken;
  }

  #show(link: HTMLAnchorElement): void {
    const [links, name] = [pictures(), link.title];
    const at = links.indexOf(link);
    this.#shown = link;
    this.#broken(false);
    this.#image.alt = name;
    this.#image.src = link.href;
    setField(this.#box, "name", name);
    const place = must('[data-field="place"]', this.#box);
    place.textContent = place.dataset.words!.replace("{at}", String(at + 1)).replace("{count}", String(links.length));
    must<HTMLAnchorElement>("[data-download]", this.#box).href = `${link.href}?download`;
    for (const button of all<HTMLButtonElement>("[data-step]", this.#box)) {
      button.disabled = !links[at + Number(button.dataset.step)];
    }
  }

  #step(by: number): void {
    const links = pictures();
    const next = links[links.indexOf(this.#shown) + by];
    if (next) this.#show(next);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation(); // the desk's own keys are for what lies below
    if (event.key === "ArrowLeft") this.#step(-1);
    else if (event.key === "ArrowRight") this.#step(1);
    else if (event.key.toLowerCase() === "d") must("[data-download]", this.#box).click();
  }
}

export function view(link: HTMLAnchorElement): void {
  new Viewer().open(link);
}
