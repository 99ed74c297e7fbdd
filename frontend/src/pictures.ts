// A picture of the conversation opens larger over it; its link alone would leave the page.
import { near, one } from "./dom";

async function open(link: HTMLAnchorElement): Promise<void> {
  try {
    const { view } = await import("./viewer.js");
    view(link);
  } catch {
    location.assign(link.href);
  }
}

export function startPictures(): void {
  one("[data-room]")?.addEventListener("click", (event) => {
    const click = event as MouseEvent;
    const link = near<HTMLAnchorElement>(click, "a[data-picture]");
    if (!link || click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    void open(link);
  });
}
