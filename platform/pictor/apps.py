"""The project package's app configuration, which every process loads.

It imports nothing that only servers need, so operator commands start quickly. Celery comes with the
workers (celery.py) or the first bell (kit/redis/bell.py).
"""

import sys

from django.apps import AppConfig
from typing_extensions import override


class PictorConfig(AppConfig):
    """Registers the checks of settings that must agree with each other."""

    name = "pictor"

    @override
    def ready(self) -> None:
        from pictor.kit.watching import system_checks  # noqa: F401, PLC0415 - registers itself, once apps are ready

        if "requests" not in sys.modules:
            # Where it is installed, Django REST framework loads its 4 MB for a test client.
            sys.modules["requests"] = None  # type: ignore[assignment] # as if it were not
            import rest_framework.compat  # noqa: F401, PLC0415 - now, and never with it

            del sys.modules["requests"]
