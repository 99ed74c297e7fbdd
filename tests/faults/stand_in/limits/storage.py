from collections.abc import Callable


class _Timer:
    function: Callable[[], None] = staticmethod(lambda: None)


class MemoryStorage:
    def __init__(self) -> None:
        self.timer = _Timer()
