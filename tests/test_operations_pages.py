"""Names in docs/operations exist: commands, variables, conditions and alerts."""

import re
import shlex
from itertools import takewhile

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class

from generation.oversight.conditions.kinds import FAILED, KINDS, PAYMENT_KINDS
from tests.deploy.variables import is_known
from tests.stack.servers import ROOT

PAGES = {
    path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs/operations").glob("*.md")
}
OURS = {name: app for name, app in get_commands().items() if app in settings.OUR_APPS}
COMMANDS = sorted(
    {
        span.removeprefix("pictor ")
        for page in PAGES.values()
        for span in re.findall(r"`([^`\n]+)`", page)
        if re.match(rf"(pictor )?({'|'.join(sorted(OURS))}) ", span)
    }
)


def in_first_column(page: str, pattern: str) -> set[str]:
    cells = re.findall(r"^\| (`[^|]+) \|", PAGES[page], re.MULTILINE)
    return {name for cell in cells for name in re.findall(pattern, cell)}


def test_every_setting_has_a_row_and_every_row_is_a_setting():
    read = re.findall(
        r'\benv_\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "platform/pictor/settings.py").read_text()
    )

    rows = in_first_column("settings", r"`([A-Z][A-Z0-9_]+)`")

    assert sorted(set(read) - rows) == []
    assert sorted(name for name in rows if not is_known(name)) == []


def test_every_condition_has_a_row_and_no_other_has():
    cards = (ROOT / "docs/cards.md").read_text(encoding="utf-8")
    rows = [
        re.findall(r"^\| `(\w+)`", after.partition("\n## ")[0], re.MULTILINE)
        for _, _, after in (page.partition("## Conditions") for page in (PAGES["trouble"], cards))
    ]

    assert rows == [
        [*(kind for kind in KINDS if kind not in PAYMENT_KINDS), FAILED],
        [*PAYMENT_KINDS],
    ]


def test_every_alert_of_the_rules_has_a_row():
    rules = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"][0]["rules"]

    named = in_first_column("monitoring", r"`(Pictor\w+)`")

    assert named == {rule["alert"] for rule in rules}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists_with_its_options(command, capsys):
    name, *words = shlex.split(re.sub(r"[\[\]]", "", command), comments=True)
    parser = load_command_class(OURS[name], name).create_parser("pictor", name)
    before_options = takewhile(lambda word: not word.startswith("-"), words)

    with pytest.raises(SystemExit) as ended:
        parser.parse_args([*before_options, "--help"])

    assert ended.value.code == 0
    explained = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {word for word in words if word.startswith("--")} - explained == set()
