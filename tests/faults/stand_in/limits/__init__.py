"""As much of the package `limits` as an early release asked of it, before Parlour counted by itself.

Whoever asks may: what is tried with that release is what it stores, and a package for its sake alone would
have to be installed, and locked, for ever.
"""


class RateLimitItem:
    amount = 1_000_000

    def get_expiry(self) -> int:
        """Seconds."""
        return 1


def parse(_: str) -> RateLimitItem:
    return RateLimitItem()
