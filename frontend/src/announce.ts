// What is said to screen readers alone. Each sentence is a line of its own: of a burst none takes another's place.
import { must } from "./dom";

/** Long enough to be picked up; then it must not stand in the way of whoever reads the page line by line. */
const STAYS = 10_000;

export function announcer(room: HTMLElement): (text: string) => void {
  const place = must("[data-announce]", room);
  return (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    place.append(line);
    setTimeout(() => line.remove(), STAYS);
  };
}
