import gc

import pytest

from parlour.kernel import garbage


def test_nobody_looks_for_garbage_while_modules_are_imported() -> None:
    with garbage.importing():
        meanwhile = gc.isenabled()
        found = [[number] for number in range(1_000)]

    assert not meanwhile
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(found)
    gc.unfreeze()


def test_an_import_that_fails_leaves_the_search_on() -> None:
    with pytest.raises(ImportError), garbage.importing():
        raise ImportError

    assert gc.isenabled()
    gc.unfreeze()
