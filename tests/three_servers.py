"""PostgreSQL, Valkey and S3 alone, as `manage.py run` has them: what most tests need."""

import sys

from pictor.embedded import main, postgres
from pictor.embedded.stack import Stack
from tests.servers import ROOT


def up(stack: Stack) -> None:
    """Start them, and say where they are."""
    stack.start_servers()
    stack.write_record()


postgres.SETTINGS["fsync"] = "off"  # nobody looks for this data after the machine has died
if __name__ == "__main__":
    sys.exit(main.main(ROOT, up=up))
