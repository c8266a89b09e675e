"""The version is the same everywhere it is written."""

import subprocess
import sys

import pytest

from deploy.sbom import document
from pictor import __version__, openapi_parts
from pictor.kit.watching import metrics
from tests.stack.servers import ROOT
from tests.upgrades.changelog import releases


def test_the_version_is_the_newest_of_the_changelog():
    assert releases((ROOT / "CHANGELOG.md").read_text())[0] == __version__


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_the_command_line_says_it(asked):
    said = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "manage.py", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert said.stdout == f"{__version__}\n"


def test_documents_for_others_say_it():
    assert openapi_parts.SPECTACULAR["VERSION"] == __version__
    assert document([])["metadata"]["component"]["version"] == __version__


def test_each_process_says_it_in_its_figures():
    texts, _ = metrics.gather()

    _, samples = texts[0]["pictor_build_info"]
    assert samples.endswith(f'version="{__version__}"}} 1.0\n')
