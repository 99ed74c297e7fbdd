"""The API's contract: `python -m tools.openapi build` writes it, `check` compares it with the code.

Beside `openapi.json`, which is served, `promised.txt` has it in lines. A line that stands there and is no
longer true ends both: `/api/v1` only grows.
"""

import json
import re
import sys
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

import parlour.features.api
from parlour.features.api.contract import contract, promises

FOLDER = Path(parlour.features.api.__path__[0])
DOCUMENT = FOLDER / "openapi.json"
PROMISED = Path(__file__).parent / "promised.txt"


def written(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def broken(promised: list[str], now: list[str]) -> list[str]:
    """What was promised and does not hold any more, and what is asked for that was not."""
    known = {_about(line) for line in promised}
    gone = {line for line in set(promised) - set(now) if " needs " not in line}
    more = {line for line in set(now) - set(promised) if " needs " in line and _about(line) in known}
    return sorted(gone | more)


def _about(line: str) -> str:
    return re.split(" (?:needs|takes|has|always|may|answers|is) ", line)[0]


def main(arguments: list[str]) -> int:
    document = contract()
    OpenAPIV31SpecValidator(document).validate()  # raises what is wrong with it
    lines = promises(document)
    promised = PROMISED.read_text(encoding="utf-8").splitlines() if PROMISED.exists() else []
    if gone := broken(promised, lines):
        print("Programs rely on what does not hold any more:", *gone, sep="\n  ", file=sys.stderr)
        return 1
    if arguments == ["build"]:
        DOCUMENT.write_text(written(document), encoding="utf-8")
        PROMISED.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return 0
    if DOCUMENT.read_text(encoding="utf-8") != written(document) or promised != lines:
        print("openapi.json is not what the code says: python -m tools.openapi build", file=sys.stderr)
        return 1
    print(f"The contract: {len(lines)} promises, all kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
