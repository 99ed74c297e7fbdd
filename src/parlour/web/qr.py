"""QR codes, drawn on the server: the secret in them goes nowhere else."""

import segno
from minijinja import Markup


def qr_svg(text: str) -> str:
    """An <svg> of dark and light paths, to be put into a page. Its size is the page's business."""
    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None))
