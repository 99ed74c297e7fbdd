// The room's plain HTTP side: the same addresses that work without scripts, asked for JSON.
import type { Attachment, Message, Place } from "./frames";
import { one } from "./dom";
import { now } from "./times";

/** `reset`: what was asked to be followed is not on this line of history, so these are the newest. */
export type Page = { epoch: string; messages: Message[]; more: boolean; reset: boolean };
/** `seen` is the newest message that an agent had seen, `then` the status that goes with the answer. */
export type Outgoing = { client_id: string; content: string; files?: Attachment[]; seen?: number; then?: string };
export type Sent =
  | { kind: "sent"; message: Message; status: string | null }
  | { kind: "refused"; code: string }
  | { kind: "later"; after: number };

const TIMEOUT = 20_000;
const TRY_LATER = new Set([408, 425, 429]);

/** Seconds or a date, as HTTP allows, in milliseconds from now; 0 when absent. */
export function retryAfter(value: string | null): number {
  if (!value) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now().getTime();
  return Math.max(0, Math.min(wait || 0, 3_600_000));
}

const refused = (code: string): Sent => ({ kind: "refused", code });

export class Api {
  constructor(readonly url: string) {}

  newest = (): Promise<Page> => this.page("");
  before = (seq: number): Promise<Page> => this.page(`before=${seq}`);
  after = (place: Place): Promise<Page> =>
    this.page(String(new URLSearchParams(Object.entries(place).map(([key, value]) => [key, String(value)]))));

  async page(query: string): Promise<Page> {
    const response = await fetch(`${this.url}?${query}`, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!response.ok) throw new Error(String(response.status));
    return (await response.json()) as Page;
  }

  /** `parting`: the page goes away, the request does not go with it. */
  async send(message: Outgoing, parting = false): Promise<Sent> {
    const body = new URLSearchParams({ content: message.content, client_id: message.client_id });
    message.files?.forEach((file) => body.append("file_ids", file.file_id));
    if (message.seen !== undefined) body.set("seen", String(message.seen));
    if (message.then) body.set("then", message.then);
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: {
          accept: "application/json",
          "x-csrf-token": one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "",
        },
        body,
        redirect: "manual",
        keepalive: parting,
        signal: AbortSignal.timeout(TIMEOUT),
      });
      return await this.#outcome(response);
    } catch {
      return { kind: "later", after: 0 };
    }
  }

  async #outcome(response: Response): Promise<Sent> {
    if (response.type === "opaqueredirect" || response.status === 401) return refused("signed_out");
    if (response.ok) {
      const answer = (await response.json()) as { message: Message; status?: string };
      return { kind: "sent", message: answer.message, status: answer.status ?? null };
    }
    if (response.status >= 500 || TRY_LATER.has(response.status)) {
      return { kind: "later", after: retryAfter(response.headers.get("retry-after")) };
    }
    const answer = (await response.json().catch(() => ({}))) as { code?: string; problems?: Record<string, string> };
    const { content, files } = answer.problems ?? {};
    return refused(content ?? (files && `files_${files}`) ?? answer.code ?? "other");
  }
}
