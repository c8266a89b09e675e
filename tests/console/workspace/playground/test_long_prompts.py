"""A prompt that is longer than the model takes: the playground refuses it and keeps it whole."""

import re

import pytest

from generation.models import Generation
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.playground.forms import form

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("way", ["playground_quote", "playground_run"])
def test_a_prompt_that_is_too_long_is_refused_and_kept_whole(acme, sign_in, way):
    long = "a fox " * 6_666 + "ends"

    answer = sign_in(acme).post(url(way, acme), form(acme, prompt=long))

    page = words_of(answer)
    assert answer.status_code == (200 if way == "playground_quote" else 422)
    assert "The prompt has 40000 characters; gpt-image-2-origin takes at most 32000." in page
    assert "Prompt 40,000 / 32,000: too long" in said_by(answer)
    assert f">{long}</textarea>" in page
    assert (acme.money, Generation.objects.count()) == ((10_000_000, 0), 0)


def test_a_paste_into_the_prompt_is_not_cut(acme, sign_in):
    page = words_of(sign_in(acme).get(url("playground", acme)))

    (field,) = re.findall(r'<textarea[^>]*name="prompt"[^>]*>', page)
    assert "maxlength" not in field
