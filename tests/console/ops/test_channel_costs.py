"""A channel's costs in the browser: shown before they are written, and written once."""

import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEvent
from generation.models import Channel, CostTable
from pictor.kit.words import clock
from tests.console.ops.channel_pages import of, sold, text_of
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("sown")

MODEL = "gpt-image-2-origin"
FILE = f"# https://vendor.example/pricing\nmodel,size,quality,usd\n{MODEL},1024x1024,any,0.004\n"


@pytest.fixture
def vendor() -> Channel:
    return make_channel("vendor")


def fields_of(answer: Any) -> dict[str, str]:
    """Return the fields that the page showing the change would send."""
    found = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.content.decode()
    )
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def looked(owner: Client, channel: Channel, **said: str) -> dict[str, str]:
    return fields_of(owner.post(of(channel, "costs"), said)) | {"write": "1"}


def in_force(channel: Channel) -> list[list[Any]]:
    return [row for table in channel.cost_tables.order_by("id") for row in table.rows]


def test_a_file_is_seen_first_with_what_a_day_costs_and_then_written(owner, vendor):
    sold(vendor, asked="1024x1024", quality="high", images=70, cost_micros=70 * 30_000)
    upload = SimpleUploadedFile("costs.csv", b"\xef\xbb\xbf" + FILE.encode())

    page = owner.post(of(vendor, "costs"), {"file": upload})
    untouched = CostTable.objects.count()
    answer = owner.post(of(vendor, "costs"), fields_of(page) | {"write": "1"})

    said = text_of(page)
    assert f"{MODEL} 1024x1024 any none $0.004" in said
    assert re.search(r"cost a day \$0\.\d+ \$0\.\d+", said)
    assert untouched == 0
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert in_force(vendor) == [[MODEL, "1024x1024", "any", "fixed", 4_000]]
    assert vendor.cost_tables.get().source == "https://vendor.example/pricing"
    event = AuditEvent.objects.get(action="channel.costs")
    assert event.actor_name == "op@pictor.example"


def test_costs_by_pixels_are_in_words_before_and_after_they_are_written(owner, vendor):
    of_pixels = f"model,size,quality,usd,kind,steps\n{MODEL},any,any,0.003,pixels,16777216=0.003\n"
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE))

    page = owner.post(of(vendor, "costs"), {"rows": of_pixels})
    answers = [owner.post(of(vendor, "costs"), fields_of(page) | {"write": "1"}) for _ in "ab"]

    words = "0.003000 USD up to 16777216 px"
    assert f"{MODEL} any any none {words}" in text_of(page)
    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert CostTable.objects.count() == 2
    assert f"{MODEL} any any {words} an image" in text_of(owner.get(f"{of(vendor)}?tab=cost"))


def test_a_double_click_writes_one_table(owner, vendor):
    fields = looked(owner, vendor, rows=FILE)

    answers = [owner.post(of(vendor, "costs"), fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert CostTable.objects.count() == 1


def test_costs_that_somebody_else_wrote_meanwhile_are_not_written_over(owner, vendor):
    fields = looked(owner, vendor, rows=FILE)
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE.replace("0.004", "0.005")))

    answer = owner.post(of(vendor, "costs"), fields)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Its costs changed since these were shown" in text_of(answer)
    assert "$0.005 $0.004" in text_of(answer)
    assert in_force(vendor)[-1][-1] == 5_000


@pytest.mark.parametrize(("again", "is_written"), [("", False), ("2", False), ("20", True)])
def test_a_cost_above_the_price_is_typed_again(owner, vendor, again, is_written):
    page = owner.post(of(vendor, "costs"), {"rows": FILE.replace("0.004", "20")})
    fields = fields_of(page) | {"write": "1", "again": again}

    answer = owner.post(of(vendor, "costs"), fields)

    assert "low: $20.000, above the price, 0.005880" in text_of(page)
    assert is_written or "Type the highest of these costs again" in text_of(answer)
    assert (answer.status_code == HTTPStatus.SEE_OTHER) is is_written
    assert CostTable.objects.exists() is is_written


def test_another_channels_costs_are_copied_times_a_factor(owner, vendor):
    other = make_channel("relay")
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE))

    owner.post(of(other, "costs"), looked(owner, other, other=str(vendor.pk), factor="0.8"))

    assert in_force(other) == [[MODEL, "1024x1024", "any", "fixed", 3_200]]
    assert other.cost_tables.get().source.startswith("0.8 x vendor as of ")


def test_costs_of_a_later_day_stand_beside_those_in_force(owner, vendor):
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE))
    tomorrow = f"{clock.now() + timedelta(days=1):%Y-%m-%d %H:%M} UTC"
    later = FILE.replace("0.004", "0.005")

    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=later, begins=tomorrow))

    said = text_of(owner.get(f"{of(vendor)}?tab=cost"))
    assert f"{MODEL} 1024x1024 any $0.004 an image" in said
    assert "Scheduled 1 costs · https://vendor.example/pricing" in said
    assert "UTC" in said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "columns model, quality, size, usd are missing"),
        ({"rows": "model,size,quality,usd\nx,1x1,any,free"}, "line 2: 'free' is not an amount"),
        ({"rows": "model,size,quality,usd\nx,big,any,1"}, "line 2: 'big' is neither"),
        ({"rows": "model,size,quality,usd\nx,1x1,any,-1"}, "line 2: -1 is not from 0"),
        ({"rows": "model,size,quality,usd\nx\0y,1x1,any,1"}, "null character is not CSV"),
        ({"rows": FILE, "begins": "tomorrow"}, "'tomorrow' is not a time with its zone"),
        ({"rows": FILE, "begins": "2026-02-31 00:00 UTC"}, "is not a time with its zone"),
        ({"rows": FILE, "begins": "2020-01-01 00:00 UTC"}, "costs begin now or later"),
        ({"rows": FILE, "begins": "9999-12-31T23:59:59-12:00"}, "is not a time with its zone"),
        ({"rows": FILE, "begins": "2099-01-01 00:00"}, "is not a time with its zone"),
        ({"other": "no"}, "There is no such channel."),
        ({"other": "{vendor}"}, "vendor has no cost table in force"),
    ],
)
def test_a_senseless_cost_table_is_refused_in_words(owner, vendor, said, words):
    said = {name: word.format(vendor=vendor.pk) for name, word in said.items()}

    answer = owner.post(of(vendor, "costs"), said)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words.casefold() in text_of(answer).casefold()
    assert not CostTable.objects.exists()


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        *(("0", "A factor must be above 0"), ("0.0000001", "would round to nothing")),
        *(("1e9999", "'1e9999' is not a number"), ("NaN", "'NaN' is not a number")),
        *(("1_2", "'1_2' is not a number such as 0.8"), ("", "'' is not a number")),
    ],
)
def test_a_senseless_factor_is_refused(owner, vendor, factor, words):
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE))

    answer = owner.post(of(vendor, "costs"), {"other": str(vendor.pk), "factor": factor})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in text_of(answer)


def test_a_file_that_is_no_text_is_refused(owner, vendor):
    upload = SimpleUploadedFile("costs.xlsx", b"PK\x03\x04\xff\xfe")

    answer = owner.post(of(vendor, "costs"), {"file": upload})

    assert "The file is not UTF-8 text" in text_of(answer)


def test_the_table_in_force_is_downloaded_as_it_is_imported(owner, vendor):
    owner.post(of(vendor, "costs"), looked(owner, vendor, rows=FILE))

    answer = owner.get(f"{of(vendor)}costs.csv")

    assert answer.content.decode() == (
        "# https://vendor.example/pricing\nmodel,size,quality,usd,kind\n"
        f"{MODEL},1024x1024,any,0.004000,fixed\n"
    )
