"""`python -m tests.files.weigh STORE`: what it costs a process to put files there, as JSON, in bytes.

A process of its own, because only the whole of it shows what the store's library takes beside Python.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

from parlour.files.store import FileStore, new_key

MB = 1024 * 1024


async def pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // (MB // 4)):
        yield os.urandom(MB // 4)


def peak() -> int:
    """The most that this process has held since its peak was last forgotten."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


async def cost(store: FileStore, size: int, at_once: int) -> int:
    await asyncio.to_thread(Path("/proc/self/clear_refs").write_text, "5", encoding="ascii")
    before = peak()
    puts = (store.put(new_key(uuid4()), pieces(size), limit=size) for _ in range(at_once))
    await asyncio.gather(*puts)
    return peak() - before


async def main() -> None:
    store = FileStore.at(sys.argv[1])
    await cost(store, 8 * MB, 1)
    print(json.dumps({"alone": await cost(store, 25 * MB, 1), "twenty": await cost(store, 6 * MB, 20)}))


if __name__ == "__main__":
    asyncio.run(main())
