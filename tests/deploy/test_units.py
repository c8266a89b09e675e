"""The systemd units: systemd's own verdicts, and the existence of the things they name."""

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.deploy.programs import DEPLOY, program, said
from tests.deploy.variables import is_known

PICTOR = "/opt/pictor/current/bin/pictor"
"""The command of the release that the link leads to."""
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MOST_EXPOSED = 2.5
"""By `systemd-analyze security`, from 0 to 10."""
INSTALL = (DEPLOY.parent / "docs" / "operations" / "install.md").read_text()


def settings_of(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def test_systemd_has_nothing_to_say_against_them(tmp_path):
    analyze = program("systemd-analyze", "apt-get install systemd")
    shutil.copytree(DEPLOY / "systemd", tmp_path, dirs_exist_ok=True)
    for unit in UNITS:
        text = unit.read_text().replace(PICTOR, sys.executable)
        (tmp_path / unit.name).write_text(text)

    names = [str(tmp_path / unit.name) for unit in UNITS]

    assert said(analyze, "verify", *names, cwd=tmp_path) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_may_do_little_besides_its_work(unit):
    analyze = program("systemd-analyze", "apt-get install systemd")

    _, told = said(analyze, "security", "--offline=true", "--no-pager", str(unit))

    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d)", told)
    assert exposure, told
    assert float(exposure[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_units_commands_are_documented(unit):
    started = settings_of(unit, "ExecStart")

    commands = [command.removeprefix(PICTOR) for command in started]
    assert commands
    assert [one for one in started if not one.startswith(PICTOR)] == []
    assert [one for one in commands if f"pictor{one}" not in INSTALL] == []
    assert settings_of(unit, "WorkingDirectory") == ["/opt/pictor/current"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_units_variables_exist(unit):
    names = [
        word.partition("=")[0] for line in settings_of(unit, "Environment") for word in line.split()
    ]

    assert names
    assert [name for name in names if not is_known(name)] == []


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("pictor-web@.service", "15"),
        ("pictor-images@.service", "490"),
        ("pictor-short@.service", "60"),
    ],
)
def test_every_unit_has_time_to_stop(settings, name, seconds):
    """An image worker PICTOR_DRAIN_SECONDS and 5 s, a web process 15 s."""
    assert settings_of(DEPLOY / "systemd" / name, "TimeoutStopSec") == [seconds]
    assert settings_of(DEPLOY / "systemd" / name, "Restart") == ["always"]
    assert settings_of(DEPLOY / "systemd" / name, "StartLimitIntervalSec") == ["0"]
