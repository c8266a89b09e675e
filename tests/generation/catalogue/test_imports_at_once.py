"""Two imports of one new model at once: the second waits, and finds the first's."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from django.db import transaction

from generation.catalogue import services
from generation.catalogue.model_files import ModelFile
from generation.models import Contract
from tests.billing.conftest import alone, waits_for_a_lock
from tests.making.seeds import sow
from tests.stack.stack_processes import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient_connections"),
]


def test_the_second_first_import_of_an_unpriced_file_waits_for_the_first():
    sow()
    fox = replace(services.shipped("dall-e-3"), model="fox-1", prices=())
    is_written, may_commit = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            services.import_model(fox, actor="Ann")
            is_written.set()
            assert may_commit.wait(20)

    def second() -> ModelFile:
        return services.import_model(fox, actor="Ben")[0].file

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(alone, first)
        assert is_written.wait(20)
        other = pool.submit(alone, second)
        until(waits_for_a_lock)
        may_commit.set()

        one.result(20)
        assert other.result(20).model == "fox-1"
    assert Contract.objects.filter(model="fox-1").count() == 1
