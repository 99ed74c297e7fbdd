class MovingWindowRateLimiter:
    def __init__(self, _: object) -> None:
        """Keeps nothing."""

    def hit(self, *_: object) -> bool:
        return True

    def test(self, *_: object) -> bool:
        return True

    def clear(self, *_: object) -> None:
        """There is nothing to forget."""
