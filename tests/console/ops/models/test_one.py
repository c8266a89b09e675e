"""The page of a model: its contract, channels, buyers and history."""

from datetime import date
from http import HTTPStatus

import pytest

from accounts.models import User
from generation.catalogue import services
from generation.catalogue.services import ContractColumns
from generation.models import Channel, Contract, Route
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import LEAST, MODEL, called, of, sold
from tests.making.factories import make_channel


def test_a_models_page_shows_its_promise_and_its_channels(owner):
    make_channel("one", LEAST)
    make_channel("spare", LEAST, is_enabled=False)
    make_channel("new", LEAST)
    Route.objects.filter(channel__name="new").update(is_approved=False)

    said = text_of(owner.get(of(LEAST)))

    assert "3 sizes" in said
    assert "1024x1024 ● Default Base" in said
    assert "one dall-e-3 every size 100% ● Serves" in said
    assert "spare dall-e-3 every size 0% ○ Channel paused" in said
    assert "new dall-e-3 every size 0% ■ Untested" in said
    assert "standard, hd; standard if none is requested" in said
    assert "auto → standard" in said
    assert "1 image, a prompt of 4,000 characters" in said


def test_the_vendors_end_of_a_model_stands_at_its_channel(owner):
    make_channel("openai", LEAST)
    Channel.objects.update(base_url="https://api.openai.com/v1")
    make_channel("relay", LEAST)
    Route.objects.filter(channel__name="relay").update(retires_on=date(2027, 2, 3))

    said = text_of(owner.get(of(LEAST)))

    assert "openai dall-e-3 ■ vendor ends it 12 May 2026" in said
    assert "relay dall-e-3 ■ vendor ends it 3 Feb 2027" in said


def test_a_model_without_prices_is_priced_from_its_page(owner, client, settings):
    services.copy_contract(model="new", source=LEAST, actor="test")
    draft = {"of": str(owner.get(of("new")).context["book"].pk), "model": "new"}
    settings.STAFF_MFA = False
    client.force_login(User.objects.create_user("sam@pictor.example", staff_role="operator"))

    pages = [page.get(of("new")) for page in (owner, client)]
    answer = owner.post("/ops/prices/new/", draft)

    assert ["Price it" in text_of(page) for page in pages] == [True, False]
    assert "6 of 6 cells have no price. Finance or an owner prices it." in text_of(pages[1])
    assert answer["Location"].endswith("/?model=new")


def test_the_largest_buyer_comes_first(owner):
    called(make_channel("one", MODEL), minutes_ago=2)
    few = sold("few", images=2, captured_micros=100_000)
    sold("many", images=1_200, captured_micros=60_000_000)
    sold("gone", images=0, losses_micros=7)

    answer = owner.get(of(MODEL))

    said = text_of(answer)
    assert [tenant.name for tenant, _ in answer.context["buyers"]] == ["many", "few"]
    page = answer.content.decode()
    assert f'href="/ops/tenants/{few.public_id}/"' in page
    assert f'href="/ops/margin/?by=cell&amp;model={MODEL}&amp;tenant={few.public_id}"' in page
    assert "Images, 30 days 1,202 2 tenants" in said
    assert "last used 2 minutes ago" in said


def test_prices_and_margin_lead_to_their_pages(owner):
    page = owner.get(f"{of(MODEL)}?mode=demo").content.decode()

    assert 'href="/ops/prices/current/?model=gpt-image-2"' in page
    link = 'href="/ops/margin/?by=tenant&amp;model=gpt-image-2&amp;mode=demo"'
    assert page.count(link) == 3  # images, revenue, margin


def test_ten_of_many_buyers_are_named(owner):
    for number in range(12):
        sold(f"tenant-{number}", images=number + 1)

    answer = owner.get(of(MODEL))

    assert len(answer.context["buyers"]) == 10
    assert "and 2 more" in text_of(answer)


def test_history_says_who_changed_what_and_how_to_put_it_back(owner):
    services.set_contract(model=LEAST, columns=ContractColumns(max_n=2), actor="Ann")

    answer = owner.get(of(LEAST))

    assert "Promise changed by Ann" in text_of(answer)
    assert "images of a request 1 \N{RIGHTWARDS ARROW} to 2" in text_of(answer)
    assert "Put back" in text_of(answer)


def test_a_model_that_is_off_says_what_it_lacks(owner):
    Contract.objects.filter(model=LEAST).update(
        is_enabled=False, qualities=["standard", "hd", "ultra"]
    )

    said = text_of(owner.get(of(LEAST)))

    assert "Switched off: requests get 404 model_not_found" in said
    assert "No channel serves it." in said
    assert "3 of 9 cells have no price." in said


@pytest.mark.parametrize("model", ["no-such", "a%00b", "%20"])
def test_an_unknown_model_has_no_page(owner, model):
    assert owner.get(f"/ops/models/{model}/").status_code == HTTPStatus.NOT_FOUND


def test_support_reads_and_finds_no_button(client, settings):
    settings.STAFF_MFA = False
    client.force_login(
        User.objects.create_user("sue@pictor.example", "correct horse", staff_role="support")
    )

    said = text_of(client.get(of(MODEL)))

    assert "Served by" in said
    assert "Switch off" not in said
    assert "Announce its end" not in said
    assert client.get(of(MODEL, "edit")).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_page_takes_few_queries(owner, django_assert_max_num_queries, is_enabled):
    make_channel("one", MODEL)
    sold(images=1)
    services.set_contract(model=MODEL, columns=ContractColumns(max_n=2), actor="Ann")
    Contract.objects.filter(model=MODEL).update(is_enabled=is_enabled)
    owner.get(of(MODEL))

    with django_assert_max_num_queries(12):
        owner.get(of(MODEL))
