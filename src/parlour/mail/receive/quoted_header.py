"""How Outlook and its like begin a quotation: `-----Original Message-----`, `From: … Sent: … Subject: …`."""

import re
from collections.abc import Sequence

from parlour.mail.receive.attribution import has_address, has_date

_LINES = 14
"""In so many lines the block is over."""
_CONTINUED = 2
_TITLE = 60
_LINE = 500
"""Characters of a line that are looked at."""

_LABEL = re.compile(r"[\s*_]*([^\W\d_][^:：*<>@\d]{0,28}?)[\s*_]*[:：][\s*_]*(.*)")
_RULE = re.compile(r"\s*(?:[-_=*–—#]\s?){3,}\s*")
_TITLED = re.compile(r"[\s*]*[-_=–—]{2,}\s*([^\W\d_][^\n]{2,58}?)\s*[-_=–—]{2,}[\s*]*")


def _labels(words: str) -> set[str]:
    return set(words.split("|"))


_FROM = _labels(
    "from|von|de|da|van|od|от|від|от кого|fra|från|lähettäjä|kimden|gönderen|发件人|寄件者|寄件人|"
    "差出人|送信者|보낸 사람|보낸사람|발신|από|מאת|من|จาก|từ|dari|pengirim|feladó|saatja|nuo|no|"
    "expéditeur|mittente|remitente|de la|afzender|absender|nadawca|отправитель|відправник|"
    "pošiljatelj|šalje|od koga|frá|des de"
)
_SUBJECT = _labels(
    "subject|betreff|betr|objet|sujet|oggetto|asunto|assunto|onderwerp|emne|ämne|aihe|temat|тема|"
    "předmět|predmet|tárgy|subiect|konu|主题|主旨|主題|件名|제목|θέμα|נושא|الموضوع|เรื่อง|chủ đề|"
    "subjek|perihal|teema|tema|zadeva|naslov|efni|относно|assumpte|tēma"
)
_OTHERS = _labels(
    "sent|date|to|cc|bcc|reply-to|gesendet|datum|an|kopie|envoyé|envoyé le|à|a|pour|copie à|"
    "date d'envoi|inviato|data|per|enviado|enviado el|para|fecha|enviada em|verzonden|aan|sendt|"
    "til|dato|skickat|till|kopia|lähetetty|vastaanottaja|päiväys|wysłano|do|дата|отправлено|кому|"
    "копия|надіслано|odesláno|komu|elküldve|dátum|címzett|trimis|către|tarih|kime|发送时间|日期|"
    "收件人|送信日時|日時|宛先|보낸 날짜|받는 사람|ημερομηνία|προς|תאריך|אל|التاريخ|إلى|"
    "message du|nachricht vom|importance|attachments|time|wysłane|dnia|datums"
)
_SUBJECT_WITHIN = re.compile(rf"\s({'|'.join(sorted(_SUBJECT))})\s?:")
"""Programs that lose line breaks write two of its lines as one."""
_KNOWN = _FROM | _SUBJECT | _OTHERS
_TITLES = re.compile(
    r"(?i)origin|message|messag|nachricht|weitergeleitet|mensaje|mensagem|meddelande|meddelelse|melding|besked|bericht|viesti"
    r"|wiadomo|сообщени|повідомлен|письмо|zpráva|správa|sporočilo|poruka|üzenet|ileti|mesaj|μήνυμα|forward"
    r"|transf[ée]r|reenviad|encaminhad|inoltrat|doorgestuurd|vidaresänt|videresendt|邮件|郵件|メール|メッセージ|메시지|메일"
    r"|הודעה|رسالة|ข้อความ|tin nhắn|pesan"
)


def is_rule(line: str) -> bool:
    return _RULE.fullmatch(line) is not None


def is_title(line: str) -> bool:
    """`Begin forwarded message:`, as it stands above a block."""
    words = line.strip()
    return len(words) <= _TITLE and words.endswith((":", "：")) and _TITLES.search(words) is not None


def titled_rule(line: str) -> bool:
    """`-----Original Message-----`, in any of the languages whose words are known."""
    found = _TITLED.fullmatch(line)
    return found is not None and _TITLES.search(found[1]) is not None


def header_block_at(lines: Sequence[str], start: int) -> bool:
    """Whether a quoted mail's header begins here."""
    first = _LABEL.fullmatch(lines[start][:_LINE])
    if first is None:
        return False
    labels: list[str] = []
    continued = 0
    end = min(start + _LINES, len(lines))
    for at in range(start, end):
        found = _LABEL.fullmatch(lines[at][:_LINE])
        if found and (_word(found) in _KNOWN or not labels or continued == 0):
            labels.append(_word(found))
            labels += _SUBJECT_WITHIN.findall(found[2][:_LINE].casefold())
            continued = 0
        elif not lines[at].strip() or continued == _CONTINUED:
            end = at
            break
        else:
            continued += 1
    block = " ".join(line[:_LINE] for line in lines[start:end])
    return _is_header(labels, lines[start], block)


def _is_header(labels: list[str], first: str, block: str) -> bool:
    if len(labels) < 3:
        return len(labels) == 2 and labels[0] in _FROM and has_address(first) and has_date(block)
    if labels[0] in _KNOWN and any(label in _FROM for label in labels[:3]):
        return any(label in _SUBJECT for label in labels) or has_address(block)
    return len(labels) >= 4 and ("<" in first or "[" in first) and has_address(first) and has_date(block)


def _word(found: re.Match[str]) -> str:
    return " ".join(found[1].casefold().split())
