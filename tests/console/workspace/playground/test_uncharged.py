"""A tenant at the day's ceiling of uncharged cost: the playground says so and makes nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import Tenant
from generation.models import Generation
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url

pytestmark = pytest.mark.django_db


def test_the_playground_says_why_it_makes_nothing(acme, sign_in):
    Tenant.objects.update(uncharged_until=clock.now() + timedelta(hours=1))
    form = {
        "model": "gpt-image-2-origin", "prompt": "a fox", "size": "1024x1024", "was": "1024x1024",
        "quality": "medium", "n": "1", "output_format": "png", "key": acme.key.public_id,
        "number": uuid4().hex, "shown": "52680",
    }  # fmt: skip

    answer = sign_in(acme).post(url("playground_run", acme), form)

    said = words_of(answer)
    assert answer.status_code == 422
    assert "has reached today&#x27;s ceiling on images that cost us and are not charged" in said
    assert f'{reverse("site:guide_errors")}#insufficient_quota"' in said
    assert "What to do</a> ·" not in said  # the tenant cannot change it on any page
    assert not Generation.objects.exists()
