"""Commands from standard input: one JSON list of arguments a line in, its outcome out.

Starting Python for each `manage.py` command costs more than the command; tests that need many
operate through this. It runs the same commands in the same order, in one process.
"""

import io
import json
import os
import sys
from functools import cache

import django
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connection


@cache
def command(name: str) -> BaseCommand:
    """Load a command and make its parser once, which takes up to 7 ms of CPU."""
    made = load_command_class(get_commands()[name], name)
    made.create_parser = cache(made.create_parser)  # type: ignore[method-assign]
    return made


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")  # as manage.py does
django.setup()
for line in sys.stdin:
    if connection.connection and not connection.is_usable():
        connection.close()  # connections to a server that was killed
    out = io.StringIO()
    outcome = {"returncode": 0, "stderr": ""}
    try:
        name, *words = json.loads(line)
        call_command(command(name), *words, stdout=out)
    except CommandError as error:
        outcome = {"returncode": error.returncode, "stderr": str(error)}
    except SystemExit as exit_:
        outcome = {"returncode": int(exit_.code or 0), "stderr": ""}
    except Exception as error:  # noqa: BLE001 - the test that asked shall see it
        outcome = {"returncode": 1, "stderr": repr(error)}
    print(json.dumps({**outcome, "stdout": out.getvalue()}), flush=True)  # noqa: T201 - the answer
