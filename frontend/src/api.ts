// The room's plain HTTP side: the same addresses that work without scripts, asked for JSON.
import type { Message } from "./frames";
import { one } from "./dom";

export type Page = { messages: Message[]; more: boolean };
export type Sent =
  | { kind: "sent"; message: Message; status: string | null }
  | { kind: "refused"; code: string }
  | { kind: "later"; after: number };

const TIMEOUT = 20_000;
const TRY_LATER = new Set([408, 425, 429]);

/** Seconds or a date, as HTTP allows, in milliseconds from now; 0 when absent. */
export function retryAfter(value: string | null): number {
  if (!value) return 0;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Math.max(0, Math.min(wait || 0, 3_600_000));
}

export class Api {
  constructor(readonly url: string) {}

  before = (seq: number): Promise<Page> => this.#page(`before=${seq}`);
  after = (seq: number): Promise<Page> => this.#page(`after=${seq}`);

  async #page(query: string): Promise<Page> {
    const response = await fetch(`${this.url}?${query}`, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (!response.ok) throw new Error(String(response.status));
    return (await response.json()) as Page;
  }

  async send(clientId: string, content: string): Promise<Sent> {
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: {
          accept: "application/json",
          "x-csrf-token": one<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "",
        },
        body: new URLSearchParams({ content, client_id: clientId }),
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT),
      });
      return await this.#outcome(response);
    } catch {
      return { kind: "later", after: 0 };
    }
  }

  async #outcome(response: Response): Promise<Sent> {
    if (response.type === "opaqueredirect" || response.status === 401) return { kind: "refused", code: "signed_out" };
    if (response.ok) {
      const answer = (await response.json()) as { message: Message; status?: string };
      return { kind: "sent", message: answer.message, status: answer.status ?? null };
    }
    if (response.status >= 500 || TRY_LATER.has(response.status)) {
      return { kind: "later", after: retryAfter(response.headers.get("retry-after")) };
    }
    const answer = (await response.json().catch(() => ({}))) as { code?: string };
    return { kind: "refused", code: answer.code ?? "other" };
  }
}
