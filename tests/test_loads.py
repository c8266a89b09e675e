"""A request, and a worker that makes its images, load no more of our modules than they need."""

import os
import subprocess
import sys

import pytest

from tests.stack.servers import ROOT

COUNTED = """
import importlib, sys
import django
django.setup()
importlib.import_module(sys.argv[1])
ours = "accounts billing generation storage webhooks console pictor sandbox".split()
print(*(name for name in sys.modules if name.partition(".")[0] in ours))
"""


@pytest.mark.parametrize("module", ["generation.api.create", "generation.background.worker"])
def test_at_most_245_of_our_modules_are_loaded(module):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "pictor.settings", "PYTHONPATH": ".:platform"}

    counted = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", COUNTED, module], cwd=ROOT, env=env, capture_output=True, check=True
    )

    loaded = counted.stdout.decode().split()
    assert len(loaded) <= 245
    assert [name for name in loaded if ".office" in name] == []


STARTED = """
import sys
import django
django.setup()
from pictor.application import build
build()
from generation.background import worker
print(*sorted({"stripe", "requests"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("key", "loaded"), [("", ""), ("sk_test_of_this_test", "requests stripe")])
def test_a_web_process_loads_the_payment_providers_library_only_for_a_key(key, loaded):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "pictor.settings", "PYTHONPATH": ".:platform"}
    env |= {"PICTOR_STRIPE_SECRET_KEY": key, "PICTOR_STRIPE_TEST_HERE": "1"}

    started = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", STARTED], cwd=ROOT, env=env, capture_output=True, check=True
    )

    assert started.stdout.decode().strip() == loaded
