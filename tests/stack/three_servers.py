"""Only PostgreSQL, Valkey and S3, as `manage.py run` has them: most tests need no more."""

import sys

from pictor.embedded import main, postgres
from pictor.embedded.stack import Stack
from tests.stack.servers import ROOT


def up(stack: Stack) -> None:
    """Start them, and print their addresses."""
    stack.start_servers()
    stack.write_record()


postgres.SETTINGS["fsync"] = "off"  # this data is worthless after a crash of the machine
if __name__ == "__main__":
    sys.exit(main.main(ROOT, up=up))
