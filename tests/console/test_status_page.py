"""The status page says of each part whether it works, from what the system itself goes by."""

import pytest
from django.core.management import call_command
from django.http import HttpResponse

from generation import lease
from generation.models import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def words_of(answer: HttpResponse) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def seeded(db):
    call_command("seed", verbosity=0)


def test_everything_works_while_a_worker_renews_its_lease(
    client, seeded, django_assert_max_num_queries
):
    lease.enlist()
    Channel.objects.update(is_enabled=True)

    with django_assert_max_num_queries(12):
        answer = client.get("/status/")

    assert "Everything works." in words_of(answer)


def test_a_missing_worker_is_named(client, seeded):
    Channel.objects.update(is_enabled=True)

    page = words_of(client.get("/status/"))

    assert "Image workers." in page
    assert "None is at work" in page
    assert "Everything works." not in page


def test_a_model_without_a_channel_is_named(client, seeded):
    lease.enlist()
    Channel.objects.update(is_enabled=False)

    assert "No channel serves it" in words_of(client.get("/status/"))
