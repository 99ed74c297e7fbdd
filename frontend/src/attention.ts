// Whether somebody attends to this page. A window in sight may lie beside the one that is being worked in, or
// before an empty chair: only one that has the focus, or was touched a moment ago, is looked at.
const TOUCH_LASTS = 15_000;
/** No `scroll` and no `pointermove`: a page that grows makes both by itself. */
const TOUCHES = ["pointerdown", "keydown", "wheel", "touchstart", "touchmove"];

let touched = -Infinity;
let timer = 0;

export const attended = (): boolean =>
  !document.hidden && (document.hasFocus() || performance.now() - touched < TOUCH_LASTS);

let before = attended();
const listeners: (() => void)[] = [];

function look(): void {
  if (attended() === before) return;
  before = !before;
  listeners.forEach((listener) => listener());
}

function touch(): void {
  touched = performance.now();
  clearTimeout(timer);
  timer = window.setTimeout(look, TOUCH_LASTS + 100); // a timer may fire a little early
  look();
}

/** Called when somebody comes, and when nobody is there any more. */
export const onAttention = (listener: () => void): void => void listeners.push(listener);

for (const kind of TOUCHES) addEventListener(kind, touch, { capture: true, passive: true });
for (const kind of ["focus", "blur", "pageshow"]) addEventListener(kind, look);
document.addEventListener("visibilitychange", look);
