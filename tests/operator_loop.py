"""An operator at a prompt that stays open: one JSON list of arguments a line in, its outcome out.

Starting Python for each `manage.py` command costs more than the command; tests that need many
operate through this. It is the same commands in the same order, in one process.
"""

import io
import json
import os
import sys

import django
from django.core.management import CommandError, call_command
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")  # as manage.py does
django.setup()
for line in sys.stdin:
    if connection.connection and not connection.is_usable():
        connection.close()  # of a server that was killed
    out = io.StringIO()
    outcome = {"returncode": 0, "stderr": ""}
    try:
        call_command(*json.loads(line), stdout=out)
    except CommandError as error:
        outcome = {"returncode": error.returncode, "stderr": str(error)}
    except SystemExit as exit_:
        outcome = {"returncode": int(exit_.code or 0), "stderr": ""}
    except Exception as error:  # noqa: BLE001 - the test that asked shall see it
        outcome = {"returncode": 1, "stderr": repr(error)}
    print(json.dumps({**outcome, "stdout": out.getvalue()}), flush=True)  # noqa: T201 - the answer
