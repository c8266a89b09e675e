"""`pictor COMMAND …`, or `manage.py COMMAND …` in a checkout: Django's command line and ours.

Units start the script `pictor`. Its first line names the interpreter of its own release, so that a
process never imports a later release, to which a link in the script's path may lead meanwhile.
"""

import os
import runpy
import signal
import sys

from pictor import ROOT

PROCESSES = {
    "web": "pictor.processes.web",
    "worker": "pictor.processes.celery_worker",
    "health": "pictor.processes.health",
}
"""Production's processes by command, as modules to run."""


def main() -> None:
    """Run a command, by default on the running embedded default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
    module = PROCESSES.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if module is not None:
        del sys.argv[1]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif sys.argv[1:] == ["run"]:
        from pictor.embedded.main import main as run  # noqa: PLC0415 - without Django

        sys.exit(run(ROOT))
    else:
        _command()


def _command() -> None:
    from pictor.embedded import stack_record  # noqa: PLC0415 - not needed by processes

    stack_record.adopt(sys.argv, root=ROOT)

    from django.db import (  # noqa: PLC0415 - reads the settings, which read the adopted record
        InterfaceError,
        OperationalError,
        ProgrammingError,
    )

    from pictor.kit.database.errors import is_unmigrated  # noqa: PLC0415 - as above
    from pictor.management.command_line import CommandLine  # noqa: PLC0415 - as above

    try:
        try:
            CommandLine(sys.argv).execute()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output has ended, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (OperationalError, InterfaceError) as error:
        sys.exit(f"The database does not answer: {str(error).splitlines()[0]}")
    except ProgrammingError as error:
        if not is_unmigrated(error):
            raise
        sys.exit(f"The database lacks migrations; run `migrate`: {str(error).splitlines()[0]}")
    except SystemExit as exit_:
        sys.exit(min(exit_.code, 1) if isinstance(exit_.code, int) else exit_.code)


if __name__ == "__main__":
    sys.argv[0] = "pictor"
    main()
