"""Users of a model that ends see a notice above the overview and the playground."""

from datetime import UTC, datetime, timedelta

import pytest

from generation.models import Contract, Generation
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.making.factories import PayingCustomer, make_usage

OLD, NEW = "dall-e-3", "gpt-image-2"
END = datetime(2099, 3, 1, tzinfo=UTC)
PAGES = ("overview", "playground")
DAY = timedelta(days=1)


def ends(at: datetime = END) -> None:
    Contract.objects.filter(model=OLD).update(deprecated_at=at - DAY, sunset_at=at, successor=NEW)


def use(customer: PayingCustomer, images: int = 1, days_ago: int = 1) -> None:
    make_usage(customer, OLD, at=clock.now() - days_ago * DAY, images=images)


@pytest.mark.parametrize("name", PAGES)
def test_users_of_a_model_read_when_it_ends_and_what_replaces_it(acme, sign_in, name):
    use(acme, images=1_200)
    use(acme, images=34, days_ago=29)
    use(acme, images=5, days_ago=31)
    client = sign_in(acme)
    before = words_of(client.get(url(name, acme)))

    ends()

    assert "dall-e-3 ends" not in before
    assert (
        "dall-e-3 ends on 1 March 2099, 00:00 UTC. This workspace made 1,234 images with it in the"
        " last 30 days. Use gpt-image-2 instead."
        ' <a href="/docs/models/#when-a-model-ends">What to do</a>'
    ) in words_of(client.get(url(name, acme)))


@pytest.mark.parametrize("name", PAGES)
def test_a_workspace_without_recent_use_reads_no_notice(acme, other, sign_in, name):
    use(other)
    use(acme, days_ago=31)
    ends()

    assert "dall-e-3 ends on" not in banners(words_of(sign_in(acme).get(url(name, acme))))


def banners(page: str) -> str:
    """The part of the page above everything else."""
    return page.partition('id="draft"')[0].partition("<dl")[0]


def test_the_end_is_given_in_the_workspaces_time_zone(acme, sign_in):
    use(acme)
    ends()
    acme.tenant.time_zone = "America/New_York"
    acme.tenant.save()

    page = words_of(sign_in(acme).get(url("overview", acme)))

    assert "dall-e-3 ends on 28 February 2099, 19:00 America/New_York." in page


@pytest.mark.parametrize(
    ("ahead", "kind"),
    [(31 * DAY, "border-info"), (29 * DAY, "border-warn"), (timedelta(), "border-bad")],
)
def test_the_notice_grows_louder_towards_the_end(acme, sign_in, ahead, kind):
    use(acme)
    ends(clock.now() + ahead)

    page = banners(words_of(sign_in(acme).get(url("overview", acme))))

    before, _, _ = page.partition("dall-e-3 end")
    assert kind in before.rpartition("<div")[2]


def test_once_it_has_ended_it_is_said_until_30_days_are_over(acme, sign_in):
    use(acme)
    client, now = sign_in(acme), clock.now()

    ends(now - DAY)
    over = words_of(client.get(url("overview", acme)))
    ends(now - 30 * DAY)
    long_over = words_of(client.get(url("overview", acme)))

    at = f"{now - DAY:%-d %B %Y, %H:%M} UTC"
    assert f"dall-e-3 ended on {at}: requests for it are refused." in over
    assert "Use gpt-image-2 instead." in over
    assert "dall-e-3 ended" not in long_over


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_says_it_asks_the_database_little(
    acme, sign_in, django_assert_max_num_queries, name
):
    use(acme)
    ends()
    client, page = sign_in(acme), url(name, acme)
    client.get(page)

    with django_assert_max_num_queries(12):
        client.get(page)


def test_prices_and_the_playground_name_the_end_of_a_model_that_nobody_used(acme, sign_in):
    client = sign_in(acme)
    ends()

    prices = words_of(client.get(url("prices", acme)))
    playground = words_of(client.get(f"{url('playground', acme)}?model=dall-e-3"))
    other = words_of(client.get(f"{url('playground', acme)}?model=gpt-image-2"))

    assert "<span>on 1 March 2099, 00:00 UTC. gpt-image-2 follows." in prices
    assert '<option value="dall-e-3" selected>dall-e-3 · ends 1 Mar 2099</option>' in playground
    assert ">dall-e-3 ends on 1 March 2099, 00:00 UTC. gpt-image-2 follows.</p>" in playground
    assert ">dall-e-3 ends on" not in other
    assert '<option value="dall-e-3">dall-e-3 · ends 1 Mar 2099</option>' in other


def test_an_ended_model_is_no_longer_offered(acme, sign_in):
    client = sign_in(acme)
    ends(clock.now())

    assert 'id="dall-e-3"' not in words_of(client.get(url("prices", acme)))
    page = words_of(client.get(f"{url('playground', acme)}?model=dall-e-3"))
    assert '<option value="dall-e-3"' not in page
    assert ">dall-e-3 is not offered here: this is gpt-image-2.</p>" in page
    assert "is not offered here" not in words_of(client.get(url("playground", acme)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"sunset_at": END - 100 * 365 * DAY},
            "The model dall-e-3 ended at 1999-03-26T00:00:00Z. Use gpt-image-2 instead.",
        ),
        (
            {"is_enabled": False},
            "The model &#x27;dall-e-3&#x27; is not offered here any more.",
        ),
    ],
)
def test_a_form_whose_model_went_since_it_was_drawn_makes_no_other_models_image(
    acme, sign_in, changes, words
):
    client = sign_in(acme)
    ends()
    Contract.objects.filter(model=OLD).update(**changes)
    form = {"model": OLD, "prompt": "a fox", "key": acme.key.public_id, "number": "1" * 32}

    answer = client.post(url("playground_run", acme), {**form, "shown": "1000000"})

    assert answer.status_code == 422
    assert words in words_of(answer)
    assert not Generation.objects.exists()
