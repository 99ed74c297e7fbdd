"""Python looks for garbage whenever enough was made, and through all that stays as well."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 10_000
"""After so many new ones a server looks for circles. A page makes thousands, which all go with it."""


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


def settle() -> None:
    """A server stands: what is there now lives as long as the process, and is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
