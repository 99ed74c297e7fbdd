"""`python -m bench` lists the benches, `python -m bench NAME …` runs one; --help says what it can do."""

import importlib
import os
import pkgutil
import select
import signal
import sys

import bench


def names() -> list[str]:
    """A bench is a module of this package with a `main`."""
    found = [module.name for module in pkgutil.iter_modules(bench.__path__)]
    benches = [name for name in found if not name.startswith("_")]
    return [name for name in benches if hasattr(importlib.import_module(f"bench.{name}"), "main")]


def run() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    name, *arguments = sys.argv[1:] or [""]
    if name in names():
        code: int = importlib.import_module(f"bench.{name}").main(arguments)
        return code
    print("Benches, each run with `python -m bench NAME` (--help says what can be chosen):\n")
    for each in names():
        summary = (importlib.import_module(f"bench.{each}").__doc__ or "").partition("\n")[0]
        print(f"  {each:12}{summary}")
    return 0 if not name else 2


def left_by_its_reader() -> bool:
    """Whether what is printed goes nowhere any more, as behind `| head`: poll tells of that unasked."""
    output = select.poll()
    output.register(sys.stdout, 0)
    return bool(output.poll(0))


def main() -> int:
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not left_by_its_reader():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
