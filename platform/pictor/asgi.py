"""The ASGI server's entry point: Django first, then the application made of its parts."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")
django.setup()

from pictor.application import build  # noqa: E402 - the apps must be ready first

application = build()
