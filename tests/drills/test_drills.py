"""Checks of `make drills` before it begins, and docs/drills.md has each drill."""

import os
import re

from tests.drills import __main__ as drills
from tests.stack.servers import ROOT


def test_a_missing_program_is_named_with_debians_package(monkeypatch, capsys):
    monkeypatch.setattr(drills, "PROGRAMS", ("nginx-of-nobody", "pgbouncer-of-nobody"))
    monkeypatch.setattr(drills, "DRILLS", {})
    monkeypatch.setenv("PATH", os.environ["PATH"])  # `main` adds to it

    assert drills.main([]) == 1
    assert capsys.readouterr().err == (
        "Missing for the drills: apt-get install nginx-of-nobody pgbouncer-of-nobody\n"
    )


def test_the_page_of_drills_has_each_of_them():
    page = (ROOT / "docs" / "drills.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)

    assert re.findall(r"`([a-z0-9-]+)`", " ".join(rows)) == list(drills.DRILLS)
