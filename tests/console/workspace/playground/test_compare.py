"""Compare: each kind is quoted before, the sum is said, and each is an ordinary generation."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import TenantBalance
from generation.models import Generation
from storage import backends
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import url
from tests.fakes.recorder import drawn
from tests.making.factories import PayingCustomer

LOW, MEDIUM, HD = "gpt-image-2|low", "gpt-image-2|medium", "dall-e-3|hd"
PRICES = {LOW: "5880", MEDIUM: "52680", HD: "80000"}


def asked(
    acme: PayingCustomer, *kinds: str, prompt: str = "a fox", **changes: str
) -> dict[str, Any]:
    shown = {f"shown-{kind}": PRICES[kind] for kind in kinds}
    return {
        "prompt": prompt, "kind": list(kinds), "size": "1024x1024", "number": "1" * 32,
        "key": acme.key.public_id, **shown, **changes,
    }  # fmt: skip


def test_each_price_and_the_sum_are_said_before(acme, sign_in):
    page = said_by(sign_in(acme).post(url("compare", acme), asked(acme, LOW, MEDIUM, HD)))

    for price in ("$0.00588", "$0.05268", "$0.080"):
        assert price in page
    assert "Together $0.13856" in page
    assert acme.money == (10_000_000, 0)


def test_a_browser_sends_no_empty_prompt_as_its_answer_would_lose_the_files(acme, sign_in):
    page = words_of(sign_in(acme).get(url("compare", acme)))

    assert re.search(r'<textarea[^>]*name="prompt"[^>]* required', page)


def test_each_is_an_ordinary_generation_and_shown_beside_the_others(acme, sign_in):
    client = sign_in(acme)

    answer = client.post(url("compare_run", acme), asked(acme, LOW, HD))

    made = list(Generation.objects.order_by("id"))
    assert [(one.model, one.quality_requested, one.source) for one in made] == [
        ("gpt-image-2", "low", "playground"), ("dall-e-3", "hd", "playground"),
    ]  # fmt: skip
    assert acme.money == (10_000_000 - 85_880, 85_880)
    page = words_of(client.get(answer["Location"]))
    assert re.findall(r'<li id="run-(gen_\w+)"', page) == [one.public_id for one in made]
    assert ">a fox</textarea>" in page
    assert '<option value="dall-e-3|hd" selected>' in page
    assert "prompt" not in answer["Location"]


def test_a_form_sent_twice_makes_each_once(acme, sign_in):
    client = sign_in(acme)

    for _ in range(2):
        client.post(url("compare_run", acme), asked(acme, LOW, MEDIUM))

    assert Generation.objects.count() == 2


@pytest.mark.parametrize(
    ("kinds", "changes", "words"),
    [
        ((LOW, HD), {"prompt": " "}, "The prompt is missing"),
        ((), {"kind": ["none|such"]}, "Choose what is to be compared."),
        ((LOW, HD), {"key": "key_x"}, "Choose a key."),
        ((LOW, HD), {"number": ""}, "the form is incomplete"),
        ((LOW, HD), {f"shown-{LOW}": "5879"}, "This costs more than the price that was shown."),
        ((LOW, HD), {"prompt": "x" * 4001}, "dall-e-3 takes at most 4000"),
    ],
)
def test_what_cannot_be_is_refused_in_words_before_any_is_made(
    acme, sign_in, kinds, changes, words
):
    answer = sign_in(acme).post(url("compare_run", acme), asked(acme, *kinds) | changes)

    assert answer.status_code == 422
    assert words in said_by(answer)
    assert Generation.objects.count() == 0


def test_one_that_the_balance_does_not_reach_is_told_beside_the_others(acme, sign_in):
    TenantBalance.objects.filter(tenant=acme.tenant).update(available=10_000)

    page = sign_in(acme).post(url("compare_run", acme), asked(acme, LOW, HD), follow=True)

    assert Generation.objects.get().quality_requested == "low"
    assert "dall-e-3, hd:" in said_by(page)


def test_another_workspaces_runs_are_not_shown(acme, other, sign_in):
    theirs = other.generation()

    page = sign_in(acme).get(url("compare", acme) + f"?runs={theirs.public_id}")

    assert page.status_code == 404


def test_an_own_image_is_a_reference_of_each_and_in_its_price(acme, sign_in, own):
    client, said = sign_in(acme), asked(acme, LOW, MEDIUM, use=own.public_id)

    page = words_of(client.post(url("compare", acme), said))
    shown = dict(re.findall(r'name="(shown-[^"]+)" value="(\d+)"', page))
    led = client.post(url("compare_run", acme), said | shown)

    assert led["Location"].endswith(f"&use={own.public_id}")
    assert shown == {f"shown-{LOW}": "59480", f"shown-{MEDIUM}": "106280"}
    made = Generation.objects.filter(source="playground")
    assert [len(one.inputs) for one in made] == [1, 1]
    assert f'name="use" value="{own.public_id}" checked' in page


def test_a_file_is_a_reference_of_each_and_in_its_price(acme, sign_in):
    backends.ensure_bucket()
    client, said = sign_in(acme), asked(acme, LOW, MEDIUM)
    fox = SimpleUploadedFile("fox.png", drawn((64, 64)), "image/png")

    page = words_of(client.post(url("compare", acme), said | {"reference": "fox.png"}))
    shown = dict(re.findall(r'name="(shown-[^"]+)" value="(\d+)"', page))
    client.post(url("compare_run", acme), said | shown | {"image": fox})

    assert shown == {f"shown-{LOW}": "59480", f"shown-{MEDIUM}": "106280"}
    made = Generation.objects.filter(source="playground")
    assert [[one["size_bytes"] for one in each.inputs] for each in made] == [[fox.size]] * 2
