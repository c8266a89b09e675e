"""The ASGI server's entry point: Django first, then the application made of its parts.

What a first request would import otherwise is imported here: the URL map with all its pages, and
the Celery app that rings for short work (kit/bell.py).
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor import celery, urls  # noqa: E402, F401 - the apps must be ready first
from pictor.application import build  # noqa: E402 - as above

application = build()
