"""The environment of the site's processes."""

import psutil
import pytest

from pictor.embedded.files import read_json
from pictor.embedded.stack import OWNERS
from pictor.embedded.stack_record import ALSO_OURS, OURS
from tests.stack.servers import Stack


@pytest.mark.parametrize("part", ["web", "worker"])
def test_no_process_that_serves_knows_the_owner_of_the_tables(stack: Stack, part: str) -> None:
    pids = stack.pids()[part]
    environments = [psutil.Process(pid).environ() for pid in pids]

    assert environments
    assert ["DATABASE_URL" in one for one in environments] == [True] * len(pids)
    assert [name for one in environments for name in one if name in OWNERS] == []


def test_the_sandbox_knows_no_more_of_us_than_a_vendor_does(stack: Stack) -> None:
    (pid,) = stack.pids()["sandbox"]
    secrets = [str(value) for value in read_json(stack.data / "secrets.json").values()]

    environment = psutil.Process(pid).environ()

    assert [name for name in environment if name.startswith(OURS) or name in ALSO_OURS] == []
    text = "\n".join(environment.values())
    assert secrets
    assert [secret for secret in secrets if secret in text] == []
