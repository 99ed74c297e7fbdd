"""Mails written for the tests."""

import base64


def mail(*fields: str, body: str | bytes = "", charset: str = "utf-8") -> bytes:
    """A mail of these header lines; what it must have and is not given is that of a plain one."""
    names = {field.partition(":")[0].lower() for field in fields}
    usual = {
        "from": "From: Ada Byron <ada@example.com>",
        "to": "To: help@acme.example",
        "subject": "Subject: The engine stops",
        "date": "Date: Tue, 3 Nov 2026 10:15:00 +0100",
        "message-id": "Message-ID: <one@example.com>",
    }
    header = [*fields, *(line for name, line in usual.items() if name not in names)]
    content = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode(charset)
    return "\r\n".join(header).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + content


def text(body: str, *fields: str, charset: str = "utf-8", said: str | None = None) -> bytes:
    """Plain text in a charset; `said` is what the mail says that it is."""
    declared = f"Content-Type: text/plain; charset={said or charset}"
    return mail(declared, "Content-Transfer-Encoding: 8bit", *fields, body=body, charset=charset)


def html(body: str, *fields: str) -> bytes:
    return mail("Content-Type: text/html; charset=utf-8", *fields, body=body)


def multipart(*parts: bytes | str, kind: str = "mixed", fields: tuple[str, ...] = ()) -> bytes:
    """Parts, each with its own header, as one mail."""
    pieces = [part if isinstance(part, bytes) else part.replace("\n", "\r\n").encode() for part in parts]
    body = b"".join(b"--edge\r\n" + piece + b"\r\n" for piece in pieces) + b"--edge--\r\n"
    return mail(f'Content-Type: multipart/{kind}; boundary="edge"', *fields, body=body)


def file(media_type: str, content: bytes, *fields: str) -> bytes:
    """A part in base64."""
    header = [f"Content-Type: {media_type}", "Content-Transfer-Encoding: base64", *fields]
    return "\r\n".join(header).encode() + b"\r\n\r\n" + base64.encodebytes(content)
