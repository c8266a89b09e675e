"""`pictor COMMAND …`, or `manage.py COMMAND …` in a checkout: Django's command line and ours.

Units start the script `pictor`: its first line names the interpreter of its own release, so that a
process imports nothing of a later one, to which a link on the way to the script leads meanwhile.
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
"""What production starts, as modules that are processes."""


def main() -> None:
    """Run one command, on the running embedded default where nothing else is set."""
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
    from pictor.embedded import recorded  # noqa: PLC0415 - no process needs it

    recorded.adopt(sys.argv, root=ROOT)

    from django.db import (  # noqa: PLC0415 - reads the settings, and those what was adopted
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
    except BrokenPipeError:  # whoever reads what is said has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (OperationalError, InterfaceError) as error:
        sys.exit(f"The database does not answer: {str(error).splitlines()[0]}")
    except ProgrammingError as error:
        if not is_unmigrated(error):
            raise
        sys.exit(f"The database lacks what `migrate` makes: {str(error).splitlines()[0]}")
    except SystemExit as exit_:
        sys.exit(min(exit_.code, 1) if isinstance(exit_.code, int) else exit_.code)


if __name__ == "__main__":
    sys.argv[0] = "pictor"
    main()
