#!/bin/sh
# setup.sh run|dev: make .venv hold what requirements/<that>.txt locks and Parlour itself, installed in place.
# Does nothing when that is already so: .venv/installed/ keeps a copy of what each step was done from.
# setup.sh python: only name the Python that it would use.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Python 3.11 or newer that can make a virtual environment. Each candidate is started, because a name on the
# PATH may be a shim with nothing behind it.
find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3.14 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Parlour needs Python 3.11 or newer with its venv module (on Debian and Ubuntu: the packages python3 and" \
        "python3-venv). When it has another name here: make PYTHON=/path/to/python3.11"
}

pip() {
    .venv/bin/python -m pip --quiet --disable-pip-version-check install "$@" ||
        fail "The installation stopped at the error above. Nothing was left half done: run make again."
}

if [ "$1" = python ]; then
    find_python
    exit
fi
lock=requirements/$1.txt
done_from=.venv/installed

# A virtual environment knows its own path, so a copied or moved one is made anew.
if [ "$(cat $done_from/path 2>/dev/null)" != "$PWD" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)."
    "$python" -m venv --clear .venv || fail "Could not make .venv; the error is above."
    mkdir -p $done_from
    echo "$PWD" >$done_from/path
fi

if ! cmp -s "$lock" "$done_from/$1.txt"; then
    echo "Installing what $lock locks (only when it changes)."
    pip --no-deps --require-hashes -r "$lock" # it names everything, some of it against what others declare
    cp "$lock" "$done_from/$1.txt"
    # The dev lock holds everything of the run lock, at the same versions.
    [ "$1" = run ] || cp requirements/run.txt $done_from/run.txt
fi

if ! cmp -s pyproject.toml $done_from/pyproject.toml; then
    pip --no-build-isolation --no-deps --editable .
    cp pyproject.toml $done_from/pyproject.toml
fi

# A client that only one test starts, in a place of its own.
if [ "$1" = dev ] && ! cmp -s requirements/zenpy.txt $done_from/zenpy.txt; then
    rm -rf .venv/zenpy
    pip --no-deps --require-hashes --target .venv/zenpy -r requirements/zenpy.txt
    cp requirements/zenpy.txt $done_from/zenpy.txt
fi
