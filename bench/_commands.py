"""Many lines of the command line in one process, which would each take a second to start: JSON on stdin."""

import io
import json
import sys

from parlour.cli import app

for words, typed in json.load(sys.stdin):
    sys.stdin = io.StringIO(typed)
    app(words, standalone_mode=False)
