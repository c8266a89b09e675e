import errno
import gc
import hashlib
import io
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from pictor.kit.bytes import spool as module
from pictor.kit.bytes.spool import (
    SpoolBudget,
    SpoolClosed,
    SpoolFull,
    Spools,
    SpoolTooLarge,
    reader_of,
)
from storage.containers.pieces import ByteSpan, View

MEGABYTE = 1024**2


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "spool", SpoolBudget(10 * MEGABYTE))


def test_a_small_spool_stays_in_memory(spools):
    spool = spools.new(max_bytes=MEGABYTE)

    spool.write(b"x" * 262_144)

    assert spool.descriptor() is None
    assert spools.budget.used_bytes == 0
    spool.close()


def test_a_large_spool_lies_in_a_file_without_a_name(spools, tmp_path):
    data = os.urandom(300_000)
    spool = spools.new(max_bytes=MEGABYTE)

    for start in range(0, 300_000, 1000):
        spool.write(data[start : start + 1000])

    assert list((tmp_path / "spool").iterdir()) == []
    assert spool.size == 300_000
    assert spool.sha256 == hashlib.sha256(data).hexdigest()
    assert b"".join(spool.chunks()) == data
    assert reader_of(spool).read() == data
    assert spools.budget.used_bytes == 300_000
    spool.close()
    assert spools.budget.used_bytes == 0


@pytest.mark.parametrize("size", [1_000, 300_000])
def test_a_spool_shows_a_view_of_its_content_without_a_copy(spools, size):
    data = os.urandom(size)
    spool = spools.new(max_bytes=MEGABYTE)
    spool.write(data)
    used = spools.budget.used_bytes

    spool.show(View(spool.content, [ByteSpan(0, 10), b"new", ByteSpan(20, size - 20)]))

    shown = data[:10] + b"new" + data[20:]
    assert (spool.size, b"".join(spool.chunks())) == (size - 7, shown)
    assert spool.sha256 == hashlib.sha256(shown).hexdigest()
    assert reader_of(spool).read() == shown
    assert spool.descriptor() is None
    assert spools.budget.used_bytes == used
    spool.close()
    with pytest.raises(SpoolClosed):
        spool.read_at(0, 1)


def test_chunks_but_the_last_are_multiples_of_three(spools):
    with closing(spools.new(max_bytes=MEGABYTE)) as spool:
        spool.write(b"x" * 400_000)

        assert [len(chunk) for chunk in spool.chunks()] == [196_608, 196_608, 6784]


def test_readers_have_positions_of_their_own(spools):
    with closing(spools.new(max_bytes=MEGABYTE)) as spool:
        spool.write(b"0123456789")
        one, other = reader_of(spool), reader_of(spool)

        one.seek(4)

        assert one.read(2) == b"45"
        assert other.read(2) == b"01"
        assert one.seek(-1, io.SEEK_END) == 9
        assert one.read() == b"9"


def test_more_bytes_than_allowed_are_refused(spools):
    with closing(spools.new(max_bytes=10)) as spool:
        spool.write(b"0123456789")

        with pytest.raises(SpoolTooLarge):
            spool.write(b"x")


def test_all_spools_share_one_budget(spools):
    one, other = (spools.new(max_bytes=20 * MEGABYTE) for _ in range(2))
    with closing(one), closing(other):
        one.write(b"x" * 6 * MEGABYTE)

        with pytest.raises(SpoolFull):
            other.write(b"x" * 6 * MEGABYTE)

    assert spools.budget.used_bytes == 0


def test_a_folder_that_is_gone_is_a_clear_error(spools, tmp_path):
    (tmp_path / "spool").rmdir()

    with closing(spools.new(max_bytes=MEGABYTE)) as spool, pytest.raises(SpoolFull):
        spool.write(b"x" * 300_000)

    assert spools.budget.used_bytes == 0


def test_closing_twice_gives_the_budget_back_once(spools):
    spool = spools.new(max_bytes=MEGABYTE)
    spool.write(b"x" * 300_000)

    spool.close()
    spool.close()

    assert spools.budget.used_bytes == 0
    with pytest.raises(SpoolClosed):
        spool.read_at(0, 1)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of other tests' garbage, collected here
def test_a_forgotten_spool_gives_its_budget_back(spools):
    spools.new(max_bytes=MEGABYTE).write(b"x" * 300_000)

    gc.collect()

    assert spools.budget.used_bytes == 0


def is_refused(call: Callable[[], object]) -> bool:
    """True if the call says that its spool or scope is closed."""
    try:
        call()
    except SpoolClosed:
        return True
    return False


def test_a_scopes_end_closes_its_spools(spools):
    with spools.scope() as scope:
        outside, inside = spools.new(max_bytes=MEGABYTE), scope.new(max_bytes=MEGABYTE)
        deeper = scope.scope().new(max_bytes=MEGABYTE)
        for spool in (outside, inside, inside_copy := inside.sibling(), deeper):
            spool.write(b"x" * 300_000)
        assert spools.budget.used_bytes == 1_200_000

    assert spools.budget.used_bytes == 300_000
    assert outside.read_at(0, 1) == b"x"
    closed = (inside, inside_copy, deeper)
    assert [is_refused(partial(spool.read_at, 0, 1)) for spool in closed] == [True] * 3
    assert [is_refused(partial(spool.write, b"x")) for spool in closed] == [True] * 3
    assert [is_refused(spool.descriptor) for spool in closed] == [True] * 3


def test_a_kept_spool_ends_with_the_outer_scope(spools):
    with spools.scope() as outer:
        with outer.scope() as inner:
            kept, other = inner.new(max_bytes=MEGABYTE), inner.new(max_bytes=MEGABYTE)
            inner.keep(kept)

        assert (kept.is_closed, other.is_closed) == (False, True)
        copy = kept.sibling()
    assert (kept.is_closed, copy.is_closed) == (True, True)


def test_an_ended_scope_makes_no_spools(spools):
    with spools.scope() as scope:
        spool = scope.new(max_bytes=MEGABYTE)

    assert is_refused(spool.sibling)
    assert is_refused(scope.scope)
    assert is_refused(partial(scope.new, max_bytes=MEGABYTE))


def test_a_scope_within_one_that_ended_makes_nothing_though_it_had_made_nothing(spools):
    with spools.scope() as outer:
        inner = outer.scope()
        deeper = inner.scope()

    assert is_refused(partial(inner.new, max_bytes=MEGABYTE))
    assert is_refused(partial(deeper.new, max_bytes=MEGABYTE))


def test_an_outermost_scope_keeps_for_nobody(spools):
    with pytest.raises(TypeError, match="no scope around"):
        spools.keep(spools.new(max_bytes=MEGABYTE))


def test_an_owner_leaves_as_much_free_as_it_has():
    budget = SpoolBudget(900)

    budget.take(450, "a")
    with pytest.raises(SpoolFull):
        budget.take(1, "a")
    budget.take(225, "b")
    with pytest.raises(SpoolFull):
        budget.take(1, "b")
    budget.take(112, "c")

    assert budget.used_bytes == 787


def test_returned_bytes_can_be_taken_again():
    budget = SpoolBudget(1000)
    budget.take(500, "a")

    budget.give_back(500, "a")
    budget.take(500, "a")

    assert budget.used_bytes == 500


def test_a_copy_takes_the_share_of_the_spool_it_is_made_of(tmp_path):
    tight = Spools(tmp_path / "tight", SpoolBudget(3 * MEGABYTE))
    spool = tight.scope("a").new(max_bytes=MEGABYTE)
    spool.write(b"x" * MEGABYTE)

    with closing(spool.sibling()) as copy, pytest.raises(SpoolFull):
        copy.write(b"x" * MEGABYTE)
    with closing(tight.scope("b").new(max_bytes=MEGABYTE)) as other:
        other.write(b"x" * MEGABYTE)
        assert tight.budget.used_bytes == 2 * MEGABYTE
    spool.close()


def test_a_spool_moved_out_of_memory_is_read_from_its_file(spools):
    with closing(spools.new(max_bytes=MEGABYTE)) as spool:
        spool.write(b"x" * 1000)

        spool.leave_memory()
        spool.leave_memory()

        assert (spool.is_in_memory, b"".join(spool.chunks())) == (False, b"x" * 1000)
        assert spools.budget.used_bytes == 1000


def test_a_spool_that_cannot_leave_memory_is_still_whole(spools, monkeypatch):
    def refuses(file: io.FileIO, _data: bytes) -> None:
        file.write(b"x")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write_all", refuses)
    with closing(spools.new(max_bytes=MEGABYTE)) as spool:
        spool.write(b"x" * 1000)

        with pytest.raises(SpoolFull):
            spool.leave_memory()

        assert (spool.is_in_memory, b"".join(spool.chunks())) == (True, b"x" * 1000)
