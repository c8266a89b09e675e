"""Mails about the end of a model: recipients, dates, and once each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from accounts.models import Mail, Membership, User
from accounts.services.office.members import add_member
from generation.catalogue.services.sunsets import announce_sunset, withdraw_sunset
from generation.models import Contract, SunsetNotice
from generation.oversight import sunset_mail
from generation.oversight.sunset_mail import mail_sunsets, stage_of
from tests.accounts.conftest import until_waiting
from tests.billing.conftest import alone
from tests.making.factories import ORIGIN, PayingCustomer, make_owner, make_usage

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
END = datetime(2027, 3, 1, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
ANN, BOB = "ann@acme.example", "bob@other.example"


def announced(**words: Any) -> None:
    facts = {
        "sunset_at": END,
        "successor": "gpt-image-2",
        "now": NOW,
        "actor": "test",
        **words,
    }
    announce_sunset(model=ORIGIN, **facts)


def use(customer: PayingCustomer, email: str, ahead: timedelta, images: int = 0) -> None:
    make_owner(customer, email, used=ORIGIN, at=END - ahead, images=images)


def sent_mails() -> list[tuple[str, str]]:
    """Recipients and subjects, in order."""
    return [(mail.to, mail.subject) for mail in Mail.objects.order_by("id")]


@pytest.mark.parametrize(
    ("ahead", "stage"),
    [
        (60 * DAY + SECOND, None),
        (60 * DAY, 60),
        (30 * DAY + SECOND, 60),
        (30 * DAY, 30),
        (7 * DAY + SECOND, 30),
        (7 * DAY, 7),
        (DAY + SECOND, 7),
        (DAY, 1),
        (SECOND, 1),
        (0 * DAY, None),
        (-DAY, None),
    ],
)
def test_each_stage_begins_its_number_of_days_ahead(ahead, stage):
    assert stage_of(END, END - ahead) == stage
    assert stage_of(None, NOW) is None


def test_owners_of_who_uses_it_are_mailed_60_30_7_and_1_days_ahead(acme, other):
    use(acme, ANN, 70 * DAY)
    make_usage(acme, ORIGIN, at=END - 45 * DAY)
    announced()

    days = (61, 60, 59, 41, 30, 29, 11)
    found = [mail_sunsets(now=END - ahead * DAY) for ahead in days]
    make_usage(acme, ORIGIN, at=END - 10 * DAY)
    found += [mail_sunsets(now=END - ahead * DAY) for ahead in (7, 6, 1, 0)]

    assert found == [0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    assert sent_mails() == [(ANN, "gpt-image-2-origin ends on 1 March 2027")] * 4


def test_the_mail_says_when_how_much_it_is_used_and_what_follows(acme, settings):
    settings.SITE_URL = ""
    use(acme, ANN, 59 * DAY, images=320)
    announced()

    mail_sunsets(now=END - 58 * DAY - HOUR)

    mail = Mail.objects.get()
    assert mail.text == (
        "The model gpt-image-2-origin ends on 1 March 2027, 00:00 UTC, in 59 days. From then on"
        " requests for it are refused with the error model_sunset (HTTP 410).\n\n"
        "The workspace “acme” made 320 images with it in the last 30 days. Use gpt-image-2"
        ' instead: put that name into "model". GET /v1/models has its sizes and prices, which may'
        " differ.\n\n"
        "You get this because you own a workspace that has used this model in the last 30 days."
    )
    assert "<strong>gpt-image-2</strong>" in mail.html


def test_the_mails_link_to_what_asked_for_it_and_to_the_guide(acme, settings):
    settings.SITE_URL = "https://pictor.example"
    use(acme, ANN, 59 * DAY)
    announced()

    mail_sunsets(now=END - 58 * DAY)
    withdraw_sunset(model=ORIGIN, now=END - 58 * DAY, actor="test")
    mail_sunsets(now=END - 58 * DAY)

    ends, stays = Mail.objects.order_by("id")
    made_with_it = (
        f"https://pictor.example/console/{acme.tenant.public_id}/generations/?model={ORIGIN}"
    )
    guide = "https://pictor.example/docs/models/#when-a-model-ends"
    assert all(link in ends.text and f'"{link}"' in ends.html for link in (made_with_it, guide))
    assert "https://pictor.example/pricing/" in stays.text
    assert '"https://pictor.example/pricing/"' in stays.html


def test_only_owners_of_recent_use_with_confirmed_addresses_are_mailed(acme, other):
    use(acme, ANN, 40 * DAY)
    make_owner(other, BOB, used="gpt-image-2", at=END - 9 * DAY)
    idle, unshown = PayingCustomer("idle"), PayingCustomer("unshown")
    use(idle, "eve@idle.example", 61 * DAY)
    make_usage(unshown, ORIGIN, at=END - 9 * DAY)
    for email, role in (("eli@a.example", "owner"), ("adm@a.example", "admin")):
        person = User.objects.create_user(email, "x")
        add_member(tenant=unshown.tenant, user=person, role=Membership.Role(role), actor="test")
    announced()

    mail_sunsets(now=END - 30 * DAY)

    assert sent_mails() == [(ANN, "gpt-image-2-origin ends on 1 March 2027")]


def test_each_is_told_once_however_often_it_is_looked(acme, other):
    use(acme, ANN, 40 * DAY)
    use(other, BOB, 40 * DAY)
    announced()

    found = [mail_sunsets(now=END - 30 * DAY + hour * HOUR) for hour in range(3)]

    assert found == [2, 0, 0]
    assert sorted(sent_mails()) == [
        (ANN, "gpt-image-2-origin ends on 1 March 2027"),
        (BOB, "gpt-image-2-origin ends on 1 March 2027"),
    ]


def test_nobody_is_mailed_of_a_model_that_is_switched_off(acme):
    use(acme, ANN, 40 * DAY)
    announced()
    Contract.objects.filter(model=ORIGIN).update(is_enabled=False)

    assert mail_sunsets(now=END - 30 * DAY) == 0


def test_a_late_user_of_an_ending_model_is_mailed_then(acme, other):
    use(acme, ANN, 40 * DAY)
    announced()
    mail_sunsets(now=END - 30 * DAY)
    use(other, BOB, 20 * DAY)

    mail_sunsets(now=END - 19 * DAY)

    assert [to for to, _ in sent_mails()] == [ANN, BOB]


def test_a_late_announcement_is_mailed_at_once_and_on_its_days(acme):
    use(acme, ANN, 6 * DAY)
    announced(now=END - 5 * DAY, is_meant=True)

    found = [mail_sunsets(now=END - hours * HOUR) for hours in (120, 119, 24, 23)]

    assert found == [1, 0, 1, 0]


def test_a_worker_that_dies_in_between_leaves_it_to_the_next(acme):
    use(acme, ANN, 40 * DAY)
    announced()
    with (
        mock.patch.object(sunset_mail, "post_rendered", side_effect=SystemExit),
        pytest.raises(SystemExit),
        transaction.atomic(),
    ):
        mail_sunsets(now=END - 30 * DAY)

    assert (mail_sunsets(now=END - 30 * DAY), len(sent_mails())) == (1, 1)


@pytest.mark.usefixtures("pooled_connections", "patient_connections")
@pytest.mark.django_db(transaction=True)
def test_two_at_once_tell_once(acme):
    use(acme, ANN, 40 * DAY)
    announced()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        first = mail_sunsets(now=END - 30 * DAY)
        second = pool.submit(alone, lambda: mail_sunsets(now=END - 30 * DAY))
        until_waiting(1)

    assert (first, second.result(), len(sent_mails())) == (1, 0, 1)


def test_a_withdrawal_is_mailed_only_to_earlier_recipients(acme, other):
    use(acme, ANN, 40 * DAY)
    announced()
    mail_sunsets(now=END - 30 * DAY)
    use(other, BOB, 20 * DAY)
    withdraw_sunset(model=ORIGIN, now=END - 29 * DAY, actor="test")

    found = [mail_sunsets(now=END - 29 * DAY + hour * HOUR) for hour in range(2)]

    assert found == [1, 0]
    assert sent_mails()[1:] == [(ANN, "gpt-image-2-origin stays")]
    words = "We wrote that it ends on 1 March 2027; that is withdrawn"
    assert words in Mail.objects.latest("id").text
    assert not SunsetNotice.objects.exists()


def test_an_end_that_is_announced_again_is_told_again(acme):
    use(acme, ANN, 40 * DAY)
    for _ in range(2):
        announced()
        mail_sunsets(now=END - 30 * DAY)
        withdraw_sunset(model=ORIGIN, now=END - 30 * DAY, actor="test")
        mail_sunsets(now=END - 30 * DAY)

    ends, stays = "gpt-image-2-origin ends on 1 March 2027", "gpt-image-2-origin stays"
    assert sent_mails() == [(ANN, ends), (ANN, stays)] * 2


@pytest.mark.parametrize(
    ("change", "subject", "days"),
    [
        ({"sunset_at": END + 90 * DAY}, "ends on 30 May 2027", 0),
        ({"sunset_at": END + DAY}, "ends on 2 March 2027", 30),
        ({"successor": "gpt-image-2-pro"}, "ends on 1 March 2027", 30),
    ],
)
def test_a_change_is_mailed_to_earlier_recipients_at_once(acme, change, subject, days):
    use(acme, ANN, 40 * DAY)
    announced()
    mail_sunsets(now=END - 30 * DAY)
    announced(**change, now=END - 29 * DAY)

    found = [mail_sunsets(now=END - 29 * DAY + hour * HOUR) for hour in range(2)]

    mail = Mail.objects.latest("id")
    assert found == [1, 0]
    assert mail.subject == f"gpt-image-2-origin {subject}"
    assert (
        "This replaces our earlier mail, which said that it ends on 1 March 2027, 00:00 UTC and"
        " gpt-image-2 follows."
    ) in mail.text
    assert [one.days for one in SunsetNotice.objects.all()] == [days]


def test_one_round_of_mails_is_bounded_and_the_next_continues(acme, other, monkeypatch):
    monkeypatch.setattr(sunset_mail, "MAX_MAILED", 1)
    use(acme, ANN, 40 * DAY)
    use(other, BOB, 40 * DAY)
    announced()

    assert [mail_sunsets(now=END - 30 * DAY) for _ in range(3)] == [1, 1, 0]


def test_recipients_are_forgotten_90_days_after_the_end(acme):
    use(acme, ANN, 40 * DAY)
    announced()
    mail_sunsets(now=END - 30 * DAY)

    mail_sunsets(now=END + 90 * DAY)
    kept = SunsetNotice.objects.count()
    mail_sunsets(now=END + 90 * DAY + SECOND)

    assert (kept, SunsetNotice.objects.count()) == (1, 0)
    assert len(sent_mails()) == 1
