#!/usr/bin/env python
"""Django's command line, with the project's package on the import path."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Run one management command, on the running embedded default where nothing else is set."""
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")

    if sys.argv[1:] == ["run"]:
        from pictor.runtime.main import main as run

        sys.exit(run(ROOT))

    from pictor.runtime import recorded

    recorded.adopt(sys.argv, root=ROOT)

    from django.db import InterfaceError, OperationalError, ProgrammingError

    from pictor.kit.database_errors import is_unmigrated
    from pictor.management.command_line import CommandLine

    try:
        CommandLine(sys.argv).execute()
    except (OperationalError, InterfaceError) as error:
        sys.exit(f"The database does not answer: {str(error).splitlines()[0]}")
    except ProgrammingError as error:
        if not is_unmigrated(error):
            raise
        sys.exit(f"The database lacks what `migrate` makes: {str(error).splitlines()[0]}")
    except SystemExit as exit_:
        sys.exit(min(exit_.code, 1) if isinstance(exit_.code, int) else exit_.code)


if __name__ == "__main__":
    main()
