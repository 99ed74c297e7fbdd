// Moments are written by the server in UTC; here they become the reader's own.
import { all } from "./dom";

const page = document.documentElement.lang;
const language = (tag: string): string => tag.split("-")[0]!.toLowerCase();
/** The page's language, in the way of the reader's own country when they have one that speaks it. */
const lang = navigator.languages.find((tag) => language(tag) === language(page)) ?? (page || undefined);
const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(lang, options);
const full = format({ dateStyle: "full", timeStyle: "short" });
const formats: Record<string, Intl.DateTimeFormat> = {
  time: format({ hour: "numeric", minute: "2-digit" }),
  date: format({ dateStyle: "medium" }),
  datetime: format({ dateStyle: "medium", timeStyle: "short" }),
  full: format({ dateStyle: "medium", timeStyle: "short" }),
};
const weekday = format({ weekday: "long", month: "long", day: "numeric" });
const longAgo = format({ dateStyle: "long" });
const ago = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Milliseconds by which the server's clock, by which all moments go, is ahead of this browser's. */
const ahead = (Date.parse(document.documentElement.dataset.now ?? "") || Date.now()) - Date.now();

/** By the server's clock. */
export const now = (): Date => new Date(Date.now() + ahead);

function relative(moment: Date): string {
  const seconds = (moment.getTime() - now().getTime()) / 1000;
  // What is told so has been; what is not over yet is a moment like others.
  if (seconds >= 60) return formats.full!.format(moment);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  // Under a minute is "now": a clock that runs a little ahead must not answer "in 3 seconds".
  return ago.format(unit === "second" ? 0 : Math.trunc(seconds / length), unit);
}

/** Whole local days since 1970, so that days compare and subtract. */
export const dayOf = (moment: Date): number =>
  Math.round(Date.UTC(moment.getFullYear(), moment.getMonth(), moment.getDate()) / 86_400_000);

function day(moment: Date, words: DOMStringMap): string {
  const past = dayOf(now()) - dayOf(moment);
  if (past === 0 && words.today) return words.today;
  if (past === 1 && words.yesterday) return words.yesterday;
  return past < 300 ? weekday.format(moment) : longAgo.format(moment);
}

function write(element: HTMLTimeElement): void {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  const kind = element.dataset.fmt ?? (element.closest(".message, .message-event") ? "time" : "relative");
  const text =
    kind === "day" ? day(moment, element.dataset) : kind === "relative" ? relative(moment) : formats[kind]?.format(moment);
  if (text && element.textContent !== text) element.textContent = text;
  if (kind === "relative" || kind === "time") element.title = full.format(moment);
}

export function localTimes(root: ParentNode = document): void {
  all<HTMLTimeElement>("time[datetime]", root).forEach(write);
}

/** Keeps "5 minutes ago" and "Today" true while the page stays open. */
export function startTimes(): void {
  localTimes();
  const refresh = () =>
    document.hidden || all<HTMLTimeElement>('time:not([data-fmt]), time[data-fmt="day"]').forEach(write);
  setInterval(refresh, 60_000);
  document.addEventListener("visibilitychange", refresh);
}
