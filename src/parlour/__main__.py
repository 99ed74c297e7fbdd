"""`python -m parlour`, and the command `parlour`."""

from parlour.kernel import garbage


def main() -> None:
    with garbage.importing():
        from parlour.cli import main as command
    command()


if __name__ == "__main__":
    main()
