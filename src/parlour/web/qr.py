"""QR codes, drawn on the server: the secret in them goes nowhere else."""

from minijinja import Markup


def qr_svg(text: str) -> str:
    """An <svg> of dark and light paths, to be put into a page. Its size is the page's business."""
    import segno  # few requests need it

    code = segno.make_qr(text, error="m")
    return Markup(code.svg_inline(omitsize=True, border=4, light="#fff", svgclass=None, lineclass=None))
