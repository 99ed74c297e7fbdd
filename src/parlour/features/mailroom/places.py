"""Where a mail server is, as somebody types it."""

from parlour.kernel.text import one_line


def port_in(typed: str, usual: int) -> int | None:
    """None for what is no port."""
    typed = one_line(typed) or str(usual)
    plain = typed.isascii() and typed.isdecimal() and int(typed[:6]) < 65536
    return int(typed) if plain else None
