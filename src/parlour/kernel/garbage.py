"""Python looks for garbage whenever enough was made. While modules are imported, all that is made stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """To look for garbage meanwhile takes a sixth of the time. What is there then is never looked at again.

    For imports alone: of what a program lets go, nothing would be found later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
