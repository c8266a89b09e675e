"""The ASGI server's entry point: Django first, then the application made of its parts.

What a first request under /v1 would import otherwise is imported here. Pages come with the first of
them (web/site.py), the Celery app with the first bell (kit/redis/bell.py): a process that serves
the API has 15 MB less without them.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor import api_urls  # noqa: E402, F401 - the apps must be ready first
from pictor.application import build  # noqa: E402 - as above

application = build()
