"""What `make drills` does before it begins, and what docs/operations.md says that it does."""

import os
import re

from tests.drills import __main__ as drills
from tests.servers import ROOT


def test_a_missing_program_is_named_with_debians_package(monkeypatch, capsys):
    monkeypatch.setattr(drills, "PROGRAMS", ("nginx-of-nobody", "pgbouncer-of-nobody"))
    monkeypatch.setattr(drills, "DRILLS", {})
    monkeypatch.setenv("PATH", os.environ["PATH"])  # `main` adds to it

    assert drills.main([]) == 1
    assert capsys.readouterr().err == (
        "Missing for the drills: apt-get install nginx-of-nobody pgbouncer-of-nobody\n"
    )


def test_the_operations_manual_has_a_line_for_each_drill():
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, section = manual.partition("\n## 6. Drills\n")

    named = re.findall(r"^\| ([a-z0-9-]+) \| \S", section, re.MULTILINE)

    assert [name for name in named if name not in {"---", "drill"}] == list(drills.DRILLS)
