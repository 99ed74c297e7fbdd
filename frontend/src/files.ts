// The files of a message as they stand in the conversation: the page's own <template>s, filled in. The server does the
// same in conversation/attachments.py.
import type { Api } from "./api";
import type { Attachment } from "./frames";
import { all, copy, copyElement, must, one, setField } from "./dom";

const BOX = { width: 320, height: 240 };
const ICONS: Record<string, string> = { other: "file", audio: "music", video: "film", withdrawn: "shield-alert" };
const UNDECIDED = ".file-state";
const UNITS = ["kB", "MB", "GB"];

/** As the server says it, with one decimal below ten. */
export function filesize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let size = bytes;
  let unit = -1;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** What it is by its name, and its size. */
export function about(file: Pick<Attachment, "name" | "size">): string {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(file.name)?.[1];
  const size = file.size ? filesize(file.size) : "";
  return [ending?.toUpperCase(), size].filter(Boolean).join(" · ");
}

function kindOf({ scan, media_type, width }: Attachment): string {
  if (scan === "infected") return "withdrawn";
  const family = media_type.split("/")[0]!;
  if (family === "image") return width ? "picture" : "other";
  return ["audio", "video"].includes(family) ? family : "other";
}

/** Another icon of the same sheet. */
function draw(use: Element, icon: string): void {
  use.setAttribute("href", use.getAttribute("href")!.replace(/#.*/, `#${icon}`));
}

function player(kind: "audio" | "video", url: string, name: string): HTMLMediaElement {
  const element = document.createElement(kind);
  element.src = url;
  element.controls = true;
  element.preload = "none";
  element.ariaLabel = name;
  if (element instanceof HTMLVideoElement) element.playsInline = true;
  return element;
}

function picture(item: HTMLElement, file: Attachment, url: string): void {
  const image = one<HTMLImageElement>("img", item)!;
  const [width, height] = [file.width, file.height];
  const scale = Math.min(1, BOX.width / width, BOX.height / height);
  image.width = Math.max(1, Math.round(width * scale));
  image.height = Math.max(1, Math.round(height * scale));
  image.alt = one("a", item)!.title = file.name;
  image.src = url;
}

/** `base` is what their addresses begin with; what is still on its way, or withdrawn, needs none. */
function fileItem(file: Attachment, root: ParentNode, base = ""): HTMLElement {
  const kind = base || file.scan === "infected" ? kindOf(file) : "other";
  const item = copyElement(`[data-file-kind="${kind === "picture" ? kind : "other"}"]`, root);
  item.dataset.kind = kind;
  item.dataset.file = file.file_id;
  const link = one<HTMLAnchorElement>("a", item)!;
  const url = base && kind !== "withdrawn" ? `${base}/${file.file_id}/${encodeURIComponent(file.name)}` : "";
  if (url) link.href = kind === "picture" ? url : `${url}?download`;
  else link.removeAttribute("href");
  setField(item, "name", file.name);
  setField(item, "about", about(file));
  if (kind === "picture") picture(item, file, `${url}?size=small`);
  else draw(must("use", item), ICONS[kind]!);
  if (kind === "audio" || kind === "video") link.after(player(kind, url, file.name));
  item.append(copy(`[data-file-scan="${file.scan}"]`, root) ?? "");
  return item;
}

/** Puts them under the words of a message, in place of those that stand there. */
export function showFiles(words: HTMLElement, files: Attachment[], base: string, root: ParentNode): void {
  one(".message-files", words.parentElement!)?.remove();
  if (!files.length) return;
  const list = copyElement("[data-files]", root);
  list.append(...files.map((file) => fileItem(file, root, base)));
  words.after(list);
}

/** What is said of it, wherever it stands; its bytes may be had only now. Where that stands already, nothing happens. */
export function scanned(fileId: string, scan: Attachment["scan"], root: ParentNode): void {
  const id = CSS.escape(fileId);
  const now = copy(`[data-file-scan="${scan}"]`, root)?.textContent ?? "";
  for (const item of all(`[data-file="${id}"]`, root)) {
    const said = one(UNDECIDED, item);
    if ((said?.textContent ?? "") === now) continue;
    said?.remove();
    item.append(copy(`[data-file-scan="${scan}"]`, root) ?? "");
    for (const shown of all<HTMLElement>("[src]", item)) shown.setAttribute("src", shown.getAttribute("src")!);
  }
  for (const said of all(`.panel-files [data-scan-of="${id}"]`, document)) {
    if (scan !== "unscannable") one(".file-decide", said.closest("li")!)?.remove();
    if (now) said.textContent = ` · ${now}`;
    else said.remove();
  }
}

/** Asks what the scanner has said meanwhile of the files whose word may change; nobody tells a page that was away. */
export async function askScans(messages: HTMLElement[], api: Api, root: ParentNode): Promise<void> {
  const undecided = messages.filter((item) => one(UNDECIDED, item)).map((item) => Number(item.dataset.seq));
  for (let next = undecided[0]; next !== undefined; ) {
    const page = await api.after({ after: next - 1 }).catch(() => null);
    page?.messages.flatMap(({ files }) => files).forEach((file) => scanned(file.file_id, file.scan, root));
    const upto = page?.messages.at(-1)?.seq ?? Infinity;
    next = undecided.find((seq) => seq > upto);
  }
}

/** Its bytes are gone: wherever it stands, it only says so. */
export function withdraw(fileId: string, name: string, root: ParentNode): void {
  const id = CSS.escape(fileId);
  const gone = { file_id: fileId, name, media_type: "", size: 0, width: 0, height: 0, scan: "infected" } as const;
  for (const item of all(`[data-file="${id}"]`, root)) {
    const said = one('[data-field="about"]', item)?.textContent;
    const left = fileItem(gone, root);
    if (said) setField(left, "about", said);
    item.replaceWith(left);
  }
  const viewer = one<HTMLDialogElement>("dialog.viewer", document);
  if (viewer && one(`img[src*="${id}"]`, viewer)) viewer.close();
  for (const link of all(`.panel-files a[href*="${id}"]`, document)) {
    link.removeAttribute("href");
    one("img", link)?.remove();
  }
}

/** Those that stand there, as far as the page knows of them. */
export function filesOf(item: HTMLElement): Attachment[] {
  return [...item.querySelectorAll<HTMLElement>("[data-file]")].map((each) => ({
    file_id: each.dataset.file!,
    name: one("bdi", each)?.textContent ?? one<HTMLImageElement>("img", each)?.alt ?? "",
    media_type: "",
    size: 0,
    width: 0,
    height: 0,
    scan: "off",
  }));
}
