"""The cluster's place if its account cannot enter PICTOR_DATA: followed, never lost."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from pictor.embedded import postgres_place
from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.postgres_place import MARKER, find_place
from pictor.embedded.process import OsAccount

NOBODY = OsAccount(name="nobody", uid=65534, gid=65534)


@pytest.fixture
def away(tmp_path, monkeypatch):
    """Run as root, with data folders that the account cannot enter."""
    monkeypatch.setattr(postgres_place, "ELSEWHERE", tmp_path / "away")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(postgres_place, "unprivileged", lambda: NOBODY)
    monkeypatch.setattr(postgres_place, "owner_of", lambda _path: None)
    monkeypatch.setattr(
        postgres_place,
        "can_reach",
        lambda _account, wanted: all(postgres_place.PACKAGE in str(path) for path, _ in wanted),
    )
    return tmp_path / "away"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def cluster_of(data: Path) -> Path:
    """The cluster found for the data folder, with a precious file in it."""
    cluster = find_place(data).cluster
    cluster.mkdir(exist_ok=True)
    (cluster / "ledger").touch()
    return cluster


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_cluster_lies_outside_of_data_that_its_account_cannot_enter(away, data):
    place = find_place(data)

    assert place.cluster.parent.parent == away
    assert place.account == NOBODY
    assert find_place(data) == place


def test_a_cluster_from_before_the_folder_was_closed_is_taken_along(away, data):
    (data / "postgres").mkdir()
    (data / "postgres" / "ledger").touch()

    cluster = find_place(data).cluster

    assert cluster.parent.parent == away
    assert (cluster / "ledger").exists()
    assert not (data / "postgres").exists()


@pytest.mark.usefixtures("away")
def test_a_move_that_failed_is_made_up_for_at_the_next_start(data, monkeypatch):
    (data / "postgres").mkdir()
    (data / "postgres" / "ledger").touch()
    with monkeypatch.context() as full:
        full.setattr(shutil, "move", no_space)
        with pytest.raises(OSError, match="No space left"):
            find_place(data)

    assert (find_place(data).cluster / "ledger").exists()


def no_space(_source: Path, target: Path) -> None:
    target.mkdir()
    raise OSError("No space left on device")


@pytest.mark.usefixtures("away")
def test_data_that_was_moved_keeps_its_cluster_there_and_back(data):
    cluster = cluster_of(data)
    moved = data.with_name("moved")

    data.rename(moved)
    there = find_place(moved).cluster
    moved.rename(data)
    back = find_place(data).cluster

    assert there == back == cluster
    assert (cluster / "ledger").exists()


def test_fresh_data_at_an_old_path_gets_a_cluster_of_its_own(away, data):
    old = cluster_of(data)
    shutil.rmtree(data)
    data.mkdir()

    new = find_place(data).cluster

    assert new != old
    assert not new.exists()
    assert (old / "ledger").exists()
    assert len(list(away.iterdir())) == 2


def test_a_copy_is_refused_while_the_original_is_there(away, data):
    cluster = cluster_of(data)
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    before = everything(away)

    with pytest.raises(RuntimeProblem, match=f"{copy} is a copy of {data}: both would use"):
        find_place(copy)

    assert everything(away) == before
    assert find_place(data).cluster == cluster


@pytest.mark.usefixtures("away")
def test_a_copy_whose_original_has_begun_anew_takes_the_cluster_over(data):
    cluster = cluster_of(data)
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    (data / MARKER).unlink()
    cluster_of(data)

    assert find_place(copy).cluster == cluster


@pytest.mark.parametrize(
    "lose",
    [
        lambda home: home.rename(home.with_name("elsewhere")),
        lambda home: (home / "token").write_text("another's"),
    ],
    ids=["home", "token"],
)
def test_a_cluster_that_is_not_where_it_should_be_is_a_problem(away, data, lose):
    home = cluster_of(data).parent
    lose(home)
    before = everything(away)

    with pytest.raises(
        RuntimeProblem, match=f"The database of {data} should be in {home} but is missing"
    ):
        find_place(data)

    assert everything(away) == before


@pytest.mark.parametrize("text", ["", "\n", "0123456789abcdef", "/nowhere\ntoken\n"])
def test_a_marker_that_names_no_cluster_is_a_problem_and_stays(away, data, text):
    (data / MARKER).write_text(text)

    with pytest.raises(RuntimeProblem, match="Put it back, or remove"):
        find_place(data)

    assert (data / MARKER).read_text() == text
    assert not away.exists()


@pytest.mark.usefixtures("away")
def test_a_lost_marker_means_an_empty_cluster_and_the_old_one_stays(data):
    old = cluster_of(data)
    (data / MARKER).unlink()

    new = find_place(data).cluster

    assert new != old
    assert (old / "ledger").exists()


def test_a_user_other_than_root_does_not_begin_anew_beside_a_cluster_elsewhere(
    away, data, monkeypatch
):
    cluster_of(data)
    before = everything(away)
    monkeypatch.setattr(os, "geteuid", os.getuid if os.getuid() else lambda: NOBODY.uid)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: object())

    with pytest.raises(RuntimeProblem, match=f"{data / MARKER} says"):
        find_place(data)

    assert everything(away) == before


def test_a_user_without_a_name_is_told_what_to_do(data, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4_123_456_789)

    with pytest.raises(RuntimeProblem, match=r"user 4123456789.*/etc/passwd, or set DATABASE_URL"):
        find_place(data)
