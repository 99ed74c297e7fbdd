"""Moving windows that several nodes count in: on PostgreSQL, in a table that a crash of it may empty.

A window is the times of its uses. One more goes in while its limit allows it, and none falls out when that
was lowered. It costs no wait for the disk, because the table is not logged, and one statement reads the
clock, counts and decides, under the row's own lock. When the clock was set back, the uses go back with it.
"""

from collections.abc import Callable

from sqlalchemy import column, text

from parlour.db.database import Tx
from parlour.db.shortcut import Answered

_AHEAD = """greatest(interval '0', w.hits[cardinality(w.hits)] - statement_timestamp() + interval '1 us')"""
_FRESH = f"""ARRAY(SELECT hit FROM (SELECT stored - {_AHEAD} AS hit FROM unnest(w.hits) AS stored) AS moved
    WHERE hit > statement_timestamp() - make_interval(secs => :seconds) ORDER BY hit)"""  # noqa: S608
_ROOM_AFTER = """hits[cardinality(hits) - :amount + 1]"""
_WAIT = f"""extract(epoch FROM {_ROOM_AFTER} - statement_timestamp())::float8 + :seconds"""

_TAKE = text(f"""
    INSERT INTO limit_windows AS w (key, hits, expires_at)
    VALUES (:key, ARRAY[statement_timestamp()], statement_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (key) DO UPDATE SET
        hits = (
            SELECT CASE WHEN cardinality(fresh) < :amount THEN fresh || statement_timestamp() ELSE fresh END
            FROM (SELECT {_FRESH} AS fresh OFFSET 0) AS counted_once),
        expires_at = statement_timestamp() + make_interval(secs => :seconds)
    RETURNING CASE WHEN hits @> ARRAY[statement_timestamp()] THEN 0 ELSE {_WAIT} END AS wait
""").columns(column("wait"))  # noqa: S608 nobody's words

_LOOK = text(f"""
    SELECT CASE WHEN cardinality(hits) < :amount THEN 0 ELSE {_WAIT} END
    FROM (SELECT {_FRESH} AS hits FROM limit_windows AS w WHERE key = :key) AS now
""")  # noqa: S608 nobody's words

_FORGET = text("DELETE FROM limit_windows WHERE key = :key")
_GIVE_BACK = text("UPDATE limit_windows SET hits = trim_array(hits, 1) WHERE key = :key AND hits <> '{}'")
_SWEEP = text("""
    DELETE FROM limit_windows WHERE key = ANY(ARRAY(
        SELECT key FROM limit_windows WHERE expires_at < statement_timestamp() ORDER BY expires_at LIMIT 500))
    AND expires_at < statement_timestamp()
""")


def take(tx: Tx, key: str, amount: int, seconds: int) -> float:
    """Count one use, unless there were `amount` in the last `seconds`. Returns 0, or the wait in seconds."""
    return asking_to_take(tx, key, amount, seconds)()


def asking_to_take(tx: Tx, key: str, amount: int, seconds: int) -> Callable[[], float]:
    """`take`, asked with what is asked next."""
    return tx.asking(_TAKE, _wait, key=key, amount=amount, seconds=seconds)


def _wait(taken: Answered) -> float:
    return float(taken.rows[0][0])


def look(tx: Tx, key: str, amount: int, seconds: int) -> float:
    """What `take` would return."""
    return float(tx.execute(_LOOK, {"key": key, "amount": amount, "seconds": seconds}).scalar() or 0)


def forget(tx: Tx, key: str) -> float:
    """Begin again from none. Returns 0: the next one need not wait."""
    tx.execute(_FORGET, {"key": key})
    return 0.0


def give_back(tx: Tx, key: str) -> float:
    """Uncount the newest use. Returns 0: the next one need not wait."""
    tx.change_soon(_GIVE_BACK, key=key)
    return 0.0


def sweep(tx: Tx) -> int:
    """Forget some of the windows in which nothing counts any more; says how many."""
    return tx.execute(_SWEEP).rowcount
