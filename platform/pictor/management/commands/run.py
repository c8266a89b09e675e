"""`manage.py run`: one complete Pictor on this machine.

For a plain `run`, pictor/__main__.py calls `pictor.embedded.main` before Django is imported. This
command exists for `manage.py help` and `call_command`.
"""

import sys

from django.core.management.base import BaseCommand
from typing_extensions import override

from pictor import ROOT
from pictor.embedded.main import main


class Command(BaseCommand):
    """Start every part, show a first image, supervise until Ctrl-C."""

    help = "Start a complete Pictor here. Reads PORT and PICTOR_DATA; skips configured parts."
    requires_system_checks = ()

    @override
    def handle(self, *_args: object, **_options: object) -> None:
        sys.exit(main(ROOT))
