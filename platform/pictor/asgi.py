"""The ASGI server's entry point: Django first, then the application.

The modules of /v1 are imported here, not by its first request. Pages load with the first page
(web/site.py) and the Celery app with the first bell (kit/redis/bell.py): without them, a process
that serves the API needs 15 MB less.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor import api_urls  # noqa: E402, F401 - the apps must be ready first
from pictor.application import build  # noqa: E402 - as above

application = build()
