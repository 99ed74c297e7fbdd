"""Files that people attach."""

from io import BytesIO

from PIL import Image
from playwright.async_api import FilePayload


def text(name: str, content: bytes = b"Three lines\nof a\nlog.\n") -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def picture(name: str, size: tuple[int, int] = (800, 600)) -> FilePayload:
    drawn = BytesIO()
    Image.new("RGB", size, (60, 120, 90)).save(drawn, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": drawn.getvalue()}
