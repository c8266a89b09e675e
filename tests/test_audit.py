"""`.ci/audit` without a vulnerability database: it passes with a notice, but not for a release."""

import shutil
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).resolve().parents[1] / ".ci" / "audit"
KNOWS_NONE = "#!/bin/sh\nexit 0\n"
NOBODY_ANSWERS = "#!/bin/sh\necho 'no route to host' >&2\nexit 1\n"


@pytest.mark.parametrize("auditor", [KNOWS_NONE, NOBODY_ANSWERS], ids=["empty index", "no index"])
@pytest.mark.parametrize(
    ("environment", "status"), [({}, 0), ({"PICTOR_RELEASE": "0"}, 0), ({"PICTOR_RELEASE": "1"}, 1)]
)
def test_a_release_that_nobody_audited_fails(
    tmp_path: Path, auditor: str, environment: dict[str, str], status: int
) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(auditor, encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / ".ci").mkdir()
    audit = shutil.copy(AUDIT, tmp_path / ".ci" / "audit")

    ended = subprocess.run(  # noqa: S603 - our own script
        [audit],
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )

    assert ended.stderr.startswith("NOT AUDITED: no advisory data (")
    assert ended.returncode == status
