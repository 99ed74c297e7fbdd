// One file on its way up. Only XMLHttpRequest tells how far it is.
import { retryAfter } from "./api";
import { one } from "./dom";
import type { Attachment } from "./frames";

/** `words`: the server's sentence, if it sent one; `name`: which of ours says it. `after` in milliseconds. */
export type Outcome =
  | { kind: "up"; file: Attachment }
  | { kind: "refused"; name: string; words: string }
  | { kind: "later"; after: number; words: string };

/** A connection that carries nothing for so long is dead, whatever it says. */
const STALLED = 60_000;
const TRY_LATER = new Set([408, 425, 429]);

function outcome(request: XMLHttpRequest): Outcome {
  const { status } = request;
  const answer = (request.response ?? {}) as { file?: Attachment; message?: string };
  if (status === 201 && answer.file) return { kind: "up", file: answer.file };
  if (status === 0 || status >= 500 || TRY_LATER.has(status)) {
    return { kind: "later", after: retryAfter(request.getResponseHeader("retry-after")), words: answer.message ?? "" };
  }
  const name = status === 401 ? "signed_out" : status === 413 ? "too_large" : "failed";
  return { kind: "refused", name, words: status === 401 ? "" : (answer.message ?? "") };
}

export function transfer(url: string, body: FormData, progress: (part: number) => void) {
  const request = new XMLHttpRequest();
  let watch = 0;
  const alive = (): void => {
    clearTimeout(watch);
    watch = window.setTimeout(() => request.abort(), STALLED);
  };
  const done = new Promise<Outcome>((resolve) => {
    request.onloadend = () => {
      clearTimeout(watch);
      resolve(outcome(request));
    };
  });
  request.upload.onprogress = (event) => {
    alive();
    progress(event.loaded / event.total);
  };
  request.open("POST", url);
  request.responseType = "json";
  request.setRequestHeader("accept", "application/json");
  request.setRequestHeader("x-csrf-token", one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "");
  alive();
  request.send(body);
  return { done, abort: () => request.abort() };
}
