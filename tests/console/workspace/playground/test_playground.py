"""The playground: its form is always valid, its price is the API's, and it bills once."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse

from accounts.models import ApiKey, Tenant, User
from accounts.services.office.api_keys import KeyRules
from billing.models import TenantBalance
from billing.pricing import PriceTable
from billing.selectors.office.balances import balance_of
from console.amounts import price
from console.parts.pictures import Picture
from console.parts.rows import GenerationRow
from console.workspace.playground.picker import picker_of
from console.workspace.shared.choices import draft_of
from console.workspace.shared.generation_card import Run
from console.workspace.shared.snippets import snippets_of
from generation.admission.quoting import Quoted, quoted_order
from generation.catalogue.snapshot import prices_at
from generation.models import Generation, Serves
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.playground.forms import form
from tests.making.factories import PayingCustomer, contract_of, make_channel

PRO, ORIGIN, OLD = (
    contract_of(name) for name in ("gpt-image-2-pro", "gpt-image-2-origin", "dall-e-3")
)
AUTO = contract_of("gpt-image-2-auto")
HTMX = {"HX-Request": "true"}


# --- meaning of the form -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contract", "said", "size", "moved"),
    [
        (ORIGIN, {}, "1024x1024", False),
        (ORIGIN, {"size": "1536x1024"}, "1536x1024", False),
        (ORIGIN, {"size": "3840x2560"}, "3504x2336", True),  # the nearest ratio, then area
        (ORIGIN, {"size": "huge"}, "1024x1024", False),
        (OLD, {"size": "1920x1080"}, "1792x1024", True),
        (AUTO, {"size": "1024x1024"}, "auto", True),
        (AUTO, {"size": "auto"}, "auto", False),
        (
            PRO,
            {"size": "1024x1024", "was": "1024x1024", "tier_size": "2048x2048"},
            "2048x2048",
            False,
        ),
        (
            PRO,
            {"size": "1536x1024", "was": "1024x1024", "tier_size": "1024x1024"},
            "1536x1024",
            False,
        ),
        (PRO, {"size": "2048x2048", "was": "2048x2048", "pixels": "1024x1024"}, "1024x1024", False),
    ],
)
def test_the_size_is_what_was_changed_last_or_the_nearest(contract, said, size, moved):
    draft = draft_of({"model": contract.model, **said}, [contract])

    assert (draft.size, draft.moved) == (size, moved)


@pytest.mark.parametrize(
    ("said", "n"), [("3", 3), ("0", 1), ("99", 10), ("-1", 1), ("many", 1), ("9" * 400, 1), ("", 1)]
)
def test_the_count_is_one_that_the_model_makes(said, n):
    assert draft_of({"n": said}, [ORIGIN]).n == n
    assert draft_of({"n": said}, [OLD]).n == 1


def test_each_tier_and_ratio_is_a_size_of_the_model():
    draft = draft_of({"model": PRO.model, "size": "3840x2160"}, [PRO])

    assert {size for _, size in draft.tiers} <= set(PRO.size_names)
    assert draft.tier == "4K"
    assert [ratio.name for ratio in draft.ratios if ratio.is_chosen] == ["16:9"]
    assert all(PRO.by_name[ratio.size].tier == "4K" for ratio in draft.ratios)


def test_code_says_exactly_what_the_form_says():
    draft = draft_of({"model": OLD.model, "prompt": 'it\'s a "fox"', "quality": "hd"}, [OLD])

    curl, python, node = snippets_of("https://api.example", draft.body)

    assert draft.body == {
        "model": "dall-e-3", "prompt": "it's a \"fox\"", "size": "1024x1024", "n": 1,
        "quality": "hd",
    }  # fmt: skip
    assert 'it\'"\'"\'s a \\"fox\\"' in curl.text
    compile(python.text, "snippet", "exec")
    assert 'quality: "hd"' in node.text


def test_code_keeps_what_is_answered_as_base64():
    body = {"model": "gpt-image-2", "prompt": "a fox", "output_format": "webp"}

    _, python, node = snippets_of(
        "https://api.example", body, ["a.png"], response_format="b64_json"
    )

    compile(python.text, "snippet", "exec")
    assert python.text.startswith("from base64 import b64decode, b64encode\n")
    last = 'Path("image.webp").write_bytes(b64decode(answer.data[0].b64_json))'
    assert python.text.endswith(last)
    assert node.text.startswith('import { readFileSync, writeFileSync } from "node:fs";\n')
    assert node.text.endswith('writeFileSync("image.webp", answer.data[0].b64_json, "base64");')


# --- prices and images -------------------------------------------------------------------------


def test_the_price_is_there_before_the_button(acme, sign_in):
    page = words_of(sign_in(acme).post(url("playground_quote", acme), form(acme, n="3")))

    assert "$0.15804" in page
    assert "3 \N{MULTIPLICATION SIGN} $0.05268" in page
    assert "Generate 3 images" in page
    assert balance_of(acme.id).held == 0


def test_an_unchanged_form_quotes_the_lowest_price(acme, sign_in):
    page = words_of(sign_in(acme).get(url("playground", acme)))

    assert "1 \N{MULTIPLICATION SIGN} $0.00588 at 1024\N{MULTIPLICATION SIGN}1024" in page
    assert "Holds up to" not in page
    assert [draft_of({"model": one.model}, [one]).quality for one in (PRO, ORIGIN, AUTO, OLD)] == [
        "low",
        "low",
        "low",
        "standard",
    ]


@pytest.mark.parametrize("quality", ["medium", "auto"])
@pytest.mark.parametrize("model", ["gpt-image-2-pro", "gpt-image-2-origin", "gpt-image-2-auto"])
def test_each_step_of_the_picker_costs_what_is_quoted(acme, model, quality):
    make_channel("all", model)
    contract = contract_of(model)
    draft = draft_of({"model": model, "size": "1024x1024", "quality": quality}, [contract])
    sizes = [*draft.contract.size_names]

    def quoted(size: str) -> Quoted:
        body = {"model": model, "prompt": "a fox", "size": size, "quality": quality, "n": 1}
        return quoted_order(caller=acme.caller(), request=body, now=clock.now())

    quotes = {size: quoted(size) for size in sizes}
    picker = picker_of(draft, quotes[draft.size].prices)

    assert [name for name, _, _ in picker.tiers] == [name for name, _ in draft.tiers]
    assert [least for _, _, least in picker.tiers] == [
        min(one.least for one in quotes.values() if one.order.tier == name)
        for name, _, _ in picker.tiers
    ]
    assert [most for _, most in picker.ratios] == [
        quotes[ratio.size].quote.unit for ratio, _ in picker.ratios
    ]
    assert [most for _, most in picker.sizes] == [
        quotes[str(one.size)].quote.unit for one, _ in picker.sizes
    ]
    assert picker.each == quotes[draft.size].least


def test_a_size_without_a_price_shows_none():
    draft = draft_of({"model": PRO.model}, [PRO])

    picker = picker_of(draft, PriceTable(books=(), rows={}))

    assert {least for _, _, least in picker.tiers} | {most for _, most in picker.ratios} == {None}
    assert picker.each is None


def test_the_picker_shows_its_prices(acme, sign_in):
    make_channel("pro", PRO.model)
    fields = form(acme, model=PRO.model, prompt="", size="1024x1024")
    page = words_of(sign_in(acme).post(url("playground_quote", acme), fields))
    table = prices_at(acme.caller().revision, acme.id, now=clock.now())
    picker = picker_of(draft_of(fields, [PRO]), table)

    assert picker.each is not None
    words = [
        *(f"from {price(least)}</span>" for _, _, least in picker.tiers if least is not None),
        *(f"<span>{ratio.name}</span>" for ratio, _ in picker.ratios),
        *(f">{price(most)}</span></label>" for _, most in picker.ratios if most is not None),
    ]
    assert len(words) == len(picker.tiers) + 2 * len(picker.ratios)
    assert [one for one in words if one not in page] == []
    assert f"each from {price(picker.each)}" in page


def test_an_open_quality_says_up_to(acme, sign_in):
    page = words_of(sign_in(acme).post(url("playground_quote", acme), form(acme, quality="auto")))

    assert "Holds up to; charged by the result, from $0.00588" in page
    assert "$0.21072" in page


def test_a_run_is_an_ordinary_generation_billed_to_the_chosen_key(acme, sign_in):
    answer = sign_in(acme).post(url("playground_run", acme), form(acme))

    made = Generation.objects.get()
    assert answer["Location"] == url("generation", acme, made.public_id)
    assert (made.source, made.api_key, made.prompt) == ("playground", acme.key, "a fox")
    assert balance_of(acme.id).held == 52_680
    listed = words_of(sign_in(acme).get(url("generations", acme) + "?source=playground"))
    assert made.public_id in listed


def test_the_balance_beside_a_run_is_read_after_it(acme, sign_in):
    """A run may end before its page is made: its card would say charged beside the old balance."""
    TenantBalance.objects.filter(tenant=acme.tenant).update(available=1_000_000)

    page = sign_in(acme).post(url("playground_run", acme), form(acme), headers=HTMX)

    assert "$0.94732" in words_of(page)


def test_a_form_sent_twice_is_made_once(acme, sign_in):
    client = sign_in(acme)

    client.post(url("playground_run", acme), form(acme, number="1" * 32))
    client.post(url("playground_run", acme), form(acme, number="1" * 32))
    assert Generation.objects.count() == 1

    client.post(url("playground_run", acme), form(acme, number="2" * 32))
    assert Generation.objects.count() == 2


def number_in(page: str) -> str:
    return str(re.findall(r'name="number" value="([0-9a-f]{32})"', page)[0])


def test_a_form_keeps_its_number_until_something_was_made_of_it(acme, sign_in):
    client, number, part = sign_in(acme), "1" * 32, {"HX-Request": "true"}
    said = form(acme, number=number)

    quoted = client.post(url("playground_quote", acme), said)
    refused = client.post(url("playground_run", acme), said | {"shown": "1"}, headers=part)
    made = client.post(url("playground_run", acme), said, headers=part)

    assert number_in(words_of(quoted)) == number_in(words_of(refused)) == number
    assert number_in(words_of(made)) != number


def test_a_form_filled_in_otherwise_is_another_order(acme, sign_in):
    client = sign_in(acme)

    for changes in ({}, {"prompt": "a stoat"}, {"quality": "low"}, {"n": "1"}):
        client.post(url("playground_run", acme), form(acme, number="1" * 32, **changes))

    made = Generation.objects.order_by("id").values_list("prompt", "quality_requested")
    assert list(made) == [("a fox", "medium"), ("a stoat", "medium"), ("a fox", "low")]


def test_sent_again_it_is_found_however_the_price_has_risen(acme, sign_in):
    client = sign_in(acme)

    client.post(url("playground_run", acme), form(acme, number="1" * 32))
    again = client.post(url("playground_run", acme), form(acme, number="1" * 32, shown="1"))

    assert again["Location"] == url("generation", acme, Generation.objects.get().public_id)


@pytest.mark.parametrize("shown", ["52679", "0", "", "-1", "1e9", "9" * 400, "٩" * 9])
def test_a_run_holds_no_more_than_the_price_beside_its_button(acme, sign_in, shown):
    client = sign_in(acme)

    refused = client.post(url("playground_run", acme), form(acme, shown=shown))

    page = words_of(refused)
    assert refused.status_code == 422
    assert "This costs more than the price that was shown." in page
    assert "$0.05268" in page
    assert (acme.money, Generation.objects.count()) == ((10_000_000, 0), 0)

    [now] = re.findall(r'name="shown" value="(\d*)"', page)
    client.post(url("playground_run", acme), form(acme, shown=now))
    assert Generation.objects.get().held_micros == int(now) == 52_680


def test_a_quote_shown_for_a_test_key_is_not_charged_to_a_live_key(acme, sign_in):
    make_channel("sandbox", serves=Serves.TEST)
    client = sign_in(acme)
    page = words_of(client.post(url("playground_quote", acme), form(acme.tester())))
    [shown] = re.findall(r'name="shown" value="(\d*)"', page)

    answer = client.post(url("playground_run", acme), form(acme, shown=shown))

    assert answer.status_code == 422
    assert Generation.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": " "}, "The prompt is missing"),
        ({"number": "a\0b"}, "the form is incomplete"),
        ({"key": "key_x"}, "Choose a key"),
        ({"model": "gpt-image-2-pro"}, "No channel serves gpt-image-2-pro"),
    ],
)
def test_an_impossible_request_is_refused_in_words(acme, sign_in, changes, message):
    answer = sign_in(acme).post(url("playground_run", acme), form(acme, **changes))

    assert answer.status_code == 422
    assert message in words_of(answer)
    assert balance_of(acme.id).held == 0


def test_budget_and_balance_stop_it_by_name(acme, sign_in, channel):
    ApiKey.objects.update(budget_day_micros=1_000)
    poor = PayingCustomer("poor", balance=0)

    over = words_of(sign_in(acme).post(url("playground_run", acme), form(acme)))
    empty = words_of(sign_in(poor).post(url("playground_run", poor), form(poor)))

    assert "budget" in over
    assert "balance" in empty
    assert Generation.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": " "}, "missing_required_parameter"),
        ({"model": "gpt-image-2-pro"}, "no_channel_available"),
    ],
)
def test_a_refusal_leads_to_what_to_do(acme, sign_in, changes, code):
    client, link = sign_in(acme), f'{reverse("site:guide_errors")}#{code}"'

    run = words_of(client.post(url("playground_run", acme), form(acme, **changes)))
    quoted = words_of(client.post(url("playground_quote", acme), form(acme, **changes)))

    assert link in run
    assert (link in quoted) == (code == "no_channel_available")  # a prompt may still follow


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(
    ("limited", "page", "words"),
    [
        ((TenantBalance, {"available": 0}), "billing", "Billing"),
        ((Tenant, {"budget_day_micros": 1_000}), "settings", "The workspace&#x27;s budgets"),
        ((ApiKey, {"budget_month_micros": 1_000}), "key", "The key&#x27;s budget"),
        ((Tenant, {"storage_full_at": clock.now()}), "settings", "What is kept"),
    ],
    ids=["balance", "workspace", "key", "storage"],
)
def test_too_little_leads_to_the_page_where_it_is_raised(acme, sign_in, limited, page, words):
    model, values = limited
    pages = {
        "billing": url("billing", acme),
        "settings": url("settings", acme),
        "key": url("key", acme, acme.key.public_id) + "?tab=rules",
    }
    model.objects.update(**values)

    answer = words_of(sign_in(acme).post(url("playground_run", acme), form(acme)))

    assert f'{reverse("site:guide_errors")}#insufficient_quota"' in answer
    assert f'href="{pages[page]}">{words}</a>' in answer


def test_a_way_out_is_shown_to_those_who_may_go_it(channel, sign_in):
    poor = PayingCustomer("poor", balance=0)
    client = sign_in(poor, "developer")
    mine = User.objects.get(email="developer@poor.example")
    ApiKey.objects.filter(id=poor.key.id).update(created_by=mine)

    answer = words_of(client.post(url("playground_run", poor), form(poor)))

    assert "#insufficient_quota" in answer
    assert f'href="{url("billing", poor)}"' not in answer


def test_keys_that_may_not_make_images_are_not_offered(channel, sign_in):
    reader = PayingCustomer("reader", rules=KeyRules(scopes=["images:read"]))

    page = words_of(sign_in(reader).get(url("playground", reader)))
    answer = sign_in(reader).post(url("playground_run", reader), form(reader))

    assert "A key pays for what is made here" in page
    assert (answer.status_code, Generation.objects.count()) == (422, 0)


def test_a_developer_bills_only_keys_they_made(acme, sign_in):
    answer = sign_in(acme, "developer").post(url("playground_run", acme), form(acme))

    assert (answer.status_code, Generation.objects.count()) == (422, 0)


def test_a_generation_is_opened_again_as_it_was(acme, other, sign_in, delivered):
    made = delivered(acme, prompt="a blue heron", size="1536x1024", quality="high")
    client = sign_in(acme)

    page = words_of(client.get(url("playground", acme) + f"?again={made.public_id}"))

    assert "a blue heron" in page
    assert 'value="1536x1024" checked' in page
    assert client.get(url("playground", other) + f"?again={made.public_id}").status_code == 404
    assert client.get(url("playground", acme) + "?again=gen_x").status_code == 404


def test_a_run_asks_for_itself_until_it_has_ended(acme, sign_in, delivered):
    client = sign_in(acme)
    running, ended = acme.generation(), delivered(acme)

    cards = [
        client.get(url("playground", acme) + f"?run={one.public_id}").content.decode()
        for one in (running, ended)
    ]

    assert ["data-poll" in card for card in cards] == [True, False]
    assert "charged $0.05268" in " ".join(cards[1].split())


def test_a_run_counts_seconds_from_the_first_one_on(acme, sign_in, monkeypatch):
    client, made = sign_in(acme), acme.generation()
    later = made.created_at + timedelta(seconds=12.7)
    monkeypatch.setattr("console.parts.rows.clock", SimpleNamespace(now=lambda: later))

    card = words_of(client.get(url("playground", acme) + f"?run={made.public_id}"))
    page = words_of(client.get(url("generation", acme, made.public_id)))

    assert "12 s · holds $0.05268" in card
    assert "queued for 12 s." in page


def test_a_run_is_canceled_without_leaving_the_form(acme, sign_in, delivered):
    client = sign_in(acme)
    waiting, ended = acme.generation(), delivered(acme)
    card = words_of(client.get(url("playground", acme) + f"?run={waiting.public_id}"))
    assert f'hx-post="{url("generation_cancel", acme, waiting.public_id)}"' in card
    assert f'hx-target="#run-{waiting.public_id}"' in card

    canceled, refused = (
        client.post(url("generation_cancel", acme, one.public_id), headers={"HX-Request": "true"})
        for one in (waiting, ended)
    )

    assert (canceled.status_code, refused.status_code) == (200, 409)
    assert words_of(canceled).startswith(f'<li id="run-{waiting.public_id}"')
    assert words_of(refused).startswith(f'<li id="run-{ended.public_id}"')
    assert "Canceled" in words_of(canceled)
    assert "data-poll" not in words_of(canceled)
    assert "already been started, or has ended" in words_of(refused)
    assert balance_of(acme.id).held == 0


def test_each_image_of_a_run_is_shown_with_its_file(acme, sign_in, delivered):
    made = delivered(acme, sizes=((1024, 1024), (1000, 1000)))
    first, second = StoredImage.objects.filter(generation_id=made.id).order_by("index")

    card = words_of(sign_in(acme).get(url("playground", acme) + f"?run={made.public_id}"))

    assert "1 of 2 · 1024\N{MULTIPLICATION SIGN}1024" in card
    assert "2 of 2 · 1000\N{MULTIPLICATION SIGN}1000" in card
    shown = [card.count(image.object_key) for image in (first, second)]
    assert shown == [3, 3]  # the picture, its address at full size, and the file to save
    assert [f"{image.public_id}.png" in card for image in (first, second)] == [True, True]
    assert "2 \N{MULTIPLICATION SIGN} 1024\N{MULTIPLICATION SIGN}1024</dd>" in card
    assert "not as asked" in card
    assert "Charged by the result: $0.00244 was released." in card


@pytest.mark.parametrize(
    ("asked", "n", "sizes", "differs"),
    [
        ("1024x1024", 2, ((1024, 1024), (1024, 1024)), False),
        ("1024x1024", 2, ((1024, 1024),), True),
        ("1024x1024", 1, ((1024, 768),), True),
        ("auto", 2, ((1024, 768), (1024, 1024)), False),
        ("auto", 2, ((1024, 768),), True),
        ("1024x1024", 1, (), False),  # not yet there, or gone
    ],
)
def test_a_run_differs_by_size_or_count(asked, n, sizes, differs):
    images = [StoredImage(width=width, height=height) for width, height in sizes]
    made = Generation(size=asked, n=n)

    run = Run(
        made,
        GenerationRow(made, None, has_images=False),
        tuple(Picture(image, "", "") for image in images),
    )

    assert run.differs is differs
