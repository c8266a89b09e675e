"""Reports by days of the workspace's time zone; each figure is the sum of its rows."""

import re
from zoneinfo import ZoneInfo

import pytest

from accounts.models import AuditEvent, Tenant
from accounts.services.office.tenants import set_time_zone
from billing.selectors.office.reports import usage_between
from console.parts.periods import period_in, period_of
from pictor.kit.words import clock
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import url

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def test_the_zone_is_chosen_and_audited(acme, sign_in):
    client = sign_in(acme)

    answer = client.post(url("settings", acme), {"title": "acme", "time_zone": "Asia/Kolkata"})

    assert answer.status_code == 302
    assert Tenant.objects.get(id=acme.id).time_zone == "Asia/Kolkata"
    event = AuditEvent.objects.get(action="tenant.time_zone")
    assert (event.before, event.after) == ({"time_zone": "UTC"}, {"time_zone": "Asia/Kolkata"})
    assert (
        '<option value="Asia/Kolkata" selected>'
        in client.get(url("settings", acme)).content.decode()
    )


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "localtime", "+02:00"])
def test_an_unknown_time_zone_is_refused(acme, sign_in, name):
    answer = sign_in(acme).post(url("settings", acme), {"title": "acme", "time_zone": name})

    assert answer.status_code == 422
    assert Tenant.objects.get(id=acme.id).time_zone == "UTC"


@pytest.mark.parametrize(
    ("zone", "day", "places"),
    [
        ("UTC", "2026-10-25", [1, 2, 3]),
        ("Europe/Berlin", "2026-10-24", []),
        ("Europe/Berlin", "2026-10-25", [0, 1, 2]),
        ("Europe/Berlin", "2026-10-26", [3]),
        ("Asia/Kolkata", "2026-10-25", [0, 1]),
        ("Asia/Kolkata", "2026-10-26", [2, 3]),
    ],
)
def test_the_rows_of_a_day_come_to_its_figure(acme, sign_in, ended, *, zone, day, places):
    made = [
        ended(acme, "2026-10-24T22:00:03Z"),  # 00:00:03 on the 25th in Berlin, begun on the 24th
        ended(acme, "2026-10-25T17:59:59Z"),  # 23:29:59 in Kolkata
        ended(acme, "2026-10-25T22:59:59Z"),  # the last second of Berlin's 25 hours
        ended(acme, "2026-10-25T23:00:03Z"),
    ]
    set_time_zone(tenant=acme.tenant, name=zone, actor="test")
    period = period_in(day, ZoneInfo(zone))
    assert period is not None

    client = sign_in(acme)
    page = words_of(client.get(f"{url('generations', acme)}?day={day}"))
    lines = lines_of(client.get(f"{url('generations', acme)}?day={day}&format=csv"))
    used = usage_between(acme.id, start=period.start, end=period.end, bucket=None, groups=[])

    assert sorted(line["id"] for line in lines) == sorted(made[place].public_id for place in places)
    assert sum(one.captured for one in used) == 52_680 * len(places)
    charged = {0: "$0.00", 1: "$0.05268", 2: "$0.10536", 3: "$0.15804"}[len(places)]
    plural = "" if len(places) == 1 else "s"
    counted = f"{len(places)} generation{plural}, {len(places)} image{plural}"
    assert f"{counted}, {charged} charged" in page
    assert f", {zone}" in page
    assert ("begins up to 30 minutes before midnight in Asia/Kolkata" in page) == (
        zone == "Asia/Kolkata"
    )
    assert all(line["finished"].endswith("+00:00") for line in lines)


def test_the_days_of_a_chart_are_the_zones(acme, sign_in, delivered):
    delivered(acme)
    set_time_zone(tenant=acme.tenant, name="Asia/Kolkata", actor="test")
    now = clock.now()
    today = period_of("7d", now, KOLKATA).last
    client = sign_in(acme)

    page = words_of(client.get(url("usage", acme) + "?period=7d"))
    overview = words_of(client.get(url("overview", acme)))
    lines = lines_of(client.get(url("usage", acme) + "?period=7d&format=csv"))

    assert f"?day={today}" in page
    assert "Asia/Kolkata. Counted by the hour in which a request ended." in page
    assert "begins up to 30 minutes before midnight in Asia/Kolkata" in page
    assert "23:30, Asia/Kolkata" in overview
    assert f"?day={today}" in overview
    assert [line["start"][11:] for line in lines] == ["18:00:00+00:00"]
    listed = words_of(client.get(f"{url('generations', acme)}?day={today}"))
    assert "1 generation, 1 image, $0.05268 charged" in listed


@pytest.mark.parametrize("name", ["audit", "ledger", "generation"])
def test_every_time_on_a_page_is_in_the_workspaces_zone(acme, sign_in, delivered, name):
    made = delivered(acme)
    set_time_zone(tenant=acme.tenant, name="Asia/Kolkata", actor="test")
    there = made.created_at.astimezone(KOLKATA)
    place = [made.public_id] if name == "generation" else []

    page = words_of(sign_in(acme).get(url(name, acme, *place)))

    assert "Asia/Kolkata" in page
    assert f"{there.day} {there:%b %Y, %H:}" in page
    assert not re.search(r"\d\d:\d\d UTC", page)
