"""`python -m parlour`, and the command `parlour`."""

import gc


def main() -> None:
    """What is imported stays as long as the process: to look for garbage meanwhile takes a sixth of it."""
    gc.disable()
    from parlour.cli import main as command

    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    main()
