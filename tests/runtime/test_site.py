"""What the site's processes are given."""

import psutil

from pictor.runtime.files import read_json
from pictor.runtime.recorded import ALSO_OURS, OURS
from tests.servers import Stack


def test_the_sandbox_knows_no_more_of_us_than_a_vendor_does(stack: Stack) -> None:
    (pid,) = stack.pids()["sandbox"]
    secrets = [str(value) for value in read_json(stack.data / "secrets.json").values()]

    environment = psutil.Process(pid).environ()

    assert [name for name in environment if name.startswith(OURS) or name in ALSO_OURS] == []
    text = "\n".join(environment.values())
    assert secrets
    assert [secret for secret in secrets if secret in text] == []
