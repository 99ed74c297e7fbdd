// What travels on the socket. The server's side of it is src/parlour/realtime/protocol.py.

export type Side = "customer" | "agent";

/** `width` and `height` are 0 for what is no picture. */
export type Attachment = {
  file_id: string;
  name: string;
  media_type: string;
  size: number;
  width: number;
  height: number;
  scan: "clean" | "unscanned" | "unscannable" | "infected" | "off";
};

export type Message = {
  room: string;
  message_id: string;
  seq: number;
  content: string;
  sender_type: Side | "system";
  sender_id: string;
  sender_name: string;
  client_id: string | null;
  created_at: string;
  files: Attachment[];
};

/** The last message that a page has: its number, and what proves that it is still the same one. */
export type Place = { after: number; message_id?: string; epoch?: string };

export type Person = { id: string; name: string };

export type Frame =
  | { t: "hello"; heartbeat: number; epoch: string }
  | { t: "subscribed"; room: string; epoch: string; head: number; seen: Record<Side, number> }
  | ({ t: "message" } & Message)
  | { t: "reset"; room: string; epoch: string; head: number; why: "behind" | "history" }
  | { t: "heads"; rooms: Record<string, number> }
  | { t: "typing"; room: string; side: Side; name: string }
  | { t: "presence"; room: string; agents: Person[]; customer: boolean }
  | { t: "read"; room: string; side: Side; seq: number }
  | { t: "file"; room: string; file_id: string; scan: Attachment["scan"] }
  | { t: "mail"; room: string; after: number; upto: number }
  | TicketFrame
  | BellFrame
  | { t: "error"; code: string; room?: string };

export type TicketFrame = {
  t: "ticket";
  ticket_id: string;
  room: string;
  number: number;
  status: string;
  /** These come to agents alone. */
  priority?: string;
  assignee_id?: string | null;
  version?: number;
  /** Whose new message this tells of, if of any. */
  spoke?: Side | null;
};

/** To the agent concerned: of something new, what it is and where. */
export type BellFrame = {
  t: "bell";
  kind?: "assigned" | "mentioned" | "answered" | "returned";
  ticket_id?: string;
  number?: number;
};

export type Request =
  | ({ t: "subscribe"; room: string } & Place)
  | { t: "typing"; room: string }
  | { t: "read"; room: string; seq: number }
  | { t: "alive" }
  | { t: "watch" };
