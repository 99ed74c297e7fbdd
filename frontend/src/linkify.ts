// Finds links and email addresses in plain text, by the rules of tests/vectors/linkify.json,
// which the server's filter obeys too. Works with code units and explicit ranges, so that every
// language's engine finds the same.

export type Part = { text: string; href?: string };

// Letters and digits of a host name, in any script.
const HOST =
  "0-9A-Za-z_\\u00c0-\\u060b\\u060d-\\u061a\\u0620-\\u0963\\u0966-\\u167f\\u1681-\\u1fff\\u2c00-\\u2dff\\u2e80-\\u2fff" +
  "\\u3005-\\u3007\\u3021-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufdff\\ufe70-\\ufefc\\uff10-\\uff19\\uff21-\\uff3a\\uff41-\\uff5a\\uff66-\\uffdc";
// What no link goes across: spaces, invisible and direction marks, quotes, angle brackets, full-width punctuation.
const STOP =
  "\\u0000-\\u0020\\u007f-\\u00a0\\u00ab\\u00bb\\u060c\\u061b-\\u061f\\u0964\\u0965\\u1680\\u2000-\\u200f\\u2018-\\u201f" +
  "\\u2026\\u2028-\\u202f\\u2039\\u203a\\u205f-\\u206f\\u3000-\\u3003\\u3008-\\u3011\\u3014-\\u301b\\ufeff\\uff01\\uff08\\uff09" +
  '\\uff0c\\uff0e\\uff1a\\uff1b\\uff1f\\uff3b\\uff3d\\uff5b\\uff5d-\\uff65<>"`\\\\';
const LATIN = "0-9A-Za-z\\u00c0-\\u024f";
const LABEL = `[${HOST}](?:[${HOST}-]*[${HOST}])?`;
const SHORT_LABEL = `[${HOST}](?:[${HOST}-]{0,61}[${HOST}])?`;
const TOP_LABEL = `(?![0-9])[${HOST}](?:[${HOST}-]{0,61}[${HOST}])`;
const REST = `(?::[0-9]{1,5}(?![0-9]))?(?:[/?#][^${STOP}]*)?`;
// A name before an @ makes another host look like this one: such an address stays text. The look ahead is
// bounded, or a text made for it would take as long as its length squared.
const NO_USER = `(?![^${STOP}/?#]{0,255}@)`;
const SCHEME = "[Hh][Tt][Tt][Pp][Ss]?://";

const LINK = new RegExp(
  `(?<url>(?<![${LATIN}])${SCHEME}${NO_USER}${LABEL}(?:\\.${LABEL})*${REST})` +
    `|(?<skip>${SCHEME}[^${STOP}]*)` +
    `|(?<www>(?<![${LATIN}_.@/-])[Ww]{3}\\.${NO_USER}${LABEL}(?:\\.${LABEL})+${REST})` +
    `|(?<mail>(?<![${LATIN}_.+%@/-])[0-9A-Za-z][0-9A-Za-z._+-]{0,63}@(?:${SHORT_LABEL}\\.)+${TOP_LABEL}(?![${HOST}@]))`,
  "g",
);

const count = (text: string, mark: string): number => text.split(mark).length - 1;

/** Gives the sentence's punctuation, and brackets that were opened before the link, back to the text. */
function trim(link: string): string {
  const surplus = new Map(["()", "[]", "{}"].map(([open, close]) => [close!, count(link, close!) - count(link, open!)]));
  let end = link.length;
  for (;;) {
    const last = link[end - 1]!;
    const left = surplus.get(last) ?? 0;
    if (left > 0) surplus.set(last, left - 1);
    else if (!".,:;!?'*".includes(last)) return link.slice(0, end);
    end -= 1;
  }
}

export function parts(text: string): Part[] {
  const found: Part[] = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const { skip, mail, www } = match.groups!;
    if (skip) continue;
    const link = mail ?? trim(match[0]);
    if (match.index > done) found.push({ text: text.slice(done, match.index) });
    found.push({ text: link, href: mail ? `mailto:${link}` : www ? `https://${link}` : link });
    done = match.index + link.length;
  }
  if (done < text.length) found.push({ text: text.slice(done) });
  return found;
}

/** The text as nodes: only ever text and <a> with an http(s) or mailto address. */
export function linked(text: string): Node[] {
  return parts(text).map((part) => {
    if (!part.href) return document.createTextNode(part.text);
    const anchor = document.createElement("a");
    anchor.href = part.href;
    anchor.rel = "noopener noreferrer nofollow";
    anchor.target = "_blank";
    anchor.textContent = part.text;
    return anchor;
  });
}

/** `linked`, with one's own names behind an `@` marked. The server does the same in conversation/view.py. */
export function marked(text: string, names: string[]): Node[] {
  const mine = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const called = new RegExp(`(?<![\\p{L}\\p{N}_/])(@(?:${mine}))(?![\\p{L}\\p{N}_])`, "giu");
  return text.split(called).flatMap((piece, at) => {
    if (at % 2 === 0) return linked(piece);
    const mark = document.createElement("mark");
    mark.textContent = piece;
    return [mark];
  });
}
