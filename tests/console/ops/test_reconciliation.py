"""Vendors' bills in the browser: uploaded, mapped, matched; lines taken, disputed and put back."""

import re
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.models import Transfer
from console.ops.reconciliation import one
from console.uploads import sender
from generation.models import BillLine, Channel, CostTable, VendorBill
from generation.oversight.bills import intake, listing
from tests.console.answers import csv_of, lines_of, said_by, words_of
from tests.console.ops.acting import act_page, do
from tests.making.bills import NOON, call, costs_of_days, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel

pytestmark = pytest.mark.usefixtures("sown")

LIST = "/ops/reconciliation/"
LINES = (row("a", 0, "0.03"), row("b", 60, "0.035"), row("x", 90, "0.05"))


@pytest.fixture
def channel() -> Channel:
    return make_channel(cost_micros=30_000)


@pytest.fixture
def acme(channel: Channel) -> PayingCustomer:
    return PayingCustomer("acme")


@pytest.fixture
def bill(acme: PayingCustomer, channel: Channel) -> VendorBill:
    """A bill with one equal line, one different, one too many and one missing."""
    for number, name in enumerate("abc"):
        call(acme, channel, after=60 * number, request_id=name)
    return matched(channel, csv_file(*LINES))


def of(bill: VendorBill, *rest: str) -> str:
    return f"{LIST}{bill.pk}/{'/'.join(rest)}{'/' if rest else ''}"


def sent(owner: Client, channel: Channel, content: bytes, name: str = "bill.csv") -> Any:
    file = SimpleUploadedFile(name, content)
    return owner.post(f"{LIST}new/", {"channel": channel.pk, "file": file})


def fields_of(answer: Any) -> dict[str, str]:
    """Return the values that the form of columns would send unchanged."""
    html = words_of(answer)
    found = dict(re.findall(r'<input class="control" id="\w+" name="(\w+)" value="([^"]*)"', html))
    for name, options in re.findall(
        r'<select class="control" id="\w+" name="(\w+)">(.*?)</select>', html
    ):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def corrections() -> list[tuple[int, str | None, str]]:
    moved = Transfer.objects.filter(kind="correction").order_by("id")
    return [(one.cost_change, one.line, one.reason) for one in moved]


def test_a_file_is_sent_its_columns_confirmed_and_matched_in_the_background(owner, acme, channel):
    call(acme, channel, request_id="a")

    answer = sent(owner, channel, csv_file(*LINES))
    bill = VendorBill.objects.get()
    page = owner.get(answer["Location"])
    waiting = owner.post(answer["Location"], fields_of(page))
    polled = owner.get(of(bill) + "?waits=1")
    intake.match_waiting()
    over = owner.get(of(bill) + "?waits=1")

    assert answer["Location"] == of(bill, "columns")
    assert "1 20 Nov 2026, 12:00:00 gpt-image-2-origin a \N{EN DASH} $0.03" in said_by(page)
    assert (waiting.status_code, waiting["Location"]) == (HTTPStatus.SEE_OTHER, of(bill))
    assert "Its lines are read and matched with our calls." in said_by(polled)
    assert 'hx-trigger="every 2s"' in polled.content.decode()
    assert over["HX-Refresh"] == "true"
    assert "They charge $0.115" in said_by(owner.get(of(bill)))


def test_corrected_columns_are_read_again_and_remembered_for_the_channel(owner, acme, channel):
    call(acme, channel, request_id="a")
    header = "ref,when,what,price"
    first = csv_file("a,2026-11-20 20:00:00,gpt-image-2-origin,3", header=header)
    columns = {"request_id": "ref", "time": "when", "model": "what", "amount": "price"}
    said = {"of": "calls", "number": "", "currency": "", "unit": "cents", "zone": "+08:00"}
    at = sent(owner, channel, first)["Location"]

    guessed = owner.get(at)
    shown = owner.get(at, {**columns, **said, "channel": channel.pk})
    owner.post(at, {**columns, **said, "channel": channel.pk})
    intake.match_waiting()
    second = sent(owner, channel, csv_file("b,2026-11-20,x,4", header=header))["Location"]

    assert "Which columns are the time and the amount?" in said_by(guessed)
    assert "1 20 Nov 2026, 12:00:00 gpt-image-2-origin a \N{EN DASH} $0.03" in said_by(shown)
    assert BillLine.objects.get(number=1).outcome == "equal"
    assert fields_of(owner.get(second)).items() >= {**columns, **said}.items()


def test_bills_are_downloaded_as_csv(owner, bill, channel, monkeypatch):
    monkeypatch.setattr("console.parts.listing.ROWS_AT_ONCE", 1)
    other = make_channel("other")
    sent(owner, other, csv_file(row("z", 0, "0.01")))

    rows = lines_of(owner.get(f"{LIST}?format=csv"))
    of_one = csv_of(owner.get(f"{LIST}?format=csv&channel={channel.pk}")).splitlines()
    of_tests = csv_of(owner.get(f"{LIST}?format=csv&mode=test")).splitlines()

    assert [(row["channel"], row["state"], row["theirs"]) for row in rows] == [
        ("other", "draft", ""),
        (channel.name, "ready", "0.115000"),
    ]
    assert (rows[1]["lines"], rows[1]["ours"], rows[1]["difference"]) == (
        "3",
        "0.090000",
        "0.025000",
    )
    assert (len(of_one), len(of_tests)) == (2, 1)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "The submitted file is empty|The file is empty."),
        (b"PK\x03\x04rest", "The file is a zip or a spreadsheet: unpack it, or save it as CSV."),
        (b"%PDF-1.7", "The file is a PDF"),
        (b"\xff\xfea\0b\0", "The file is not UTF-8 text."),
        (b"a,b\n1,\0", "A file with a null character in it is neither CSV nor JSON."),
        (b"id,cost\n", "The file has no lines below its header."),
        (b"1,2\n3,4\n", "The first line does not name the columns."),
        (b"id,id\n3,4\n", "The column 'id' appears twice."),
        (b"id,cost\n1,2,3\n", "Line 2: more cells than columns."),
        (b'[{"a":', "Line 1 is not JSON"),
        (b"[1]", "Row 1 is not an object."),
        (b"[" * 100_000, "JSON"),
        (b"x" * (8 * 1024**2 + 1), "The file is larger than 8 MiB. `manage.py reconcile` takes"),
    ],
    ids=lambda one: repr(one[:12]) if isinstance(one, bytes) else "",
)
def test_a_file_that_is_no_bill_is_refused_in_words(owner, channel, content, complaint):
    answer = sent(owner, channel, content)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert re.search(complaint, said_by(answer))
    assert VendorBill.objects.count() == 0


@pytest.mark.parametrize("said", [{}, {"channel": "999"}, {"channel": "x"}, {"channel": ""}])
def test_a_bill_is_of_a_channel_and_has_a_file(owner, channel, said):
    answer = owner.post(f"{LIST}new/", said)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Choose the bill's channel." in said_by(answer)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"amount": ""}, "Which columns are the time and the amount?"),
        ({"amount": "nowhere"}, "Amount: the file has no column 'nowhere'."),
        ({"amount": "model"}, "Row 1: 'gpt-image-2-origin' is not an amount."),
        ({"time": "request_id"}, "Row 1: 'a' is not a time such as 2026-11-25T10:14:05Z."),
        ({"currency": "model"}, "Row 1: the amount is in gpt-image-2-origin: only USD is booked."),
        ({"number": "model"}, "Row 1: 'gpt-image-2-origin' is not a number of images."),
        ({"zone": "Mars"}, "'Mars' is not a time zone such as UTC, +08:00 or Asia/Shanghai."),
        ({"unit": "euros"}, "Amounts are in usd, cents, micros, not in 'euros'."),
        ({"of": "weeks"}, "Rows are of calls or of days, not of 'weeks'."),
        ({"request_id": "", "model": ""}, "Calls have a request id or a model, days a line item."),
    ],
)
def test_columns_that_do_not_fit_are_refused_in_words(owner, channel, change, complaint):
    at = sent(owner, channel, csv_file(*LINES))["Location"]
    said = fields_of(owner.get(at)) | change

    answer = owner.post(at, said)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert complaint in said_by(answer)
    assert VendorBill.objects.get().state == "draft"


def test_a_row_further_down_that_cannot_be_read_is_named_and_other_columns_chosen(owner, channel):
    lines = [row(str(n), n, "0.03") for n in range(20)]
    at = sent(owner, channel, csv_file(*lines, row("z", 0, "EUR 3")))["Location"]

    owner.post(at, fields_of(owner.get(at)))
    intake.match_waiting()
    page = owner.get(of(VendorBill.objects.get()))

    assert "Row 21: the amount is in EUR: only USD is booked." in said_by(page)
    assert BillLine.objects.count() == 0
    assert owner.get(at).status_code == HTTPStatus.OK


def test_the_same_file_again_leads_to_its_bill_and_changes_nothing(owner, bill, channel):
    answer = sent(owner, channel, csv_file(*LINES), "renamed.csv")

    assert answer["Location"] == of(bill)
    assert f"as bill {bill.pk}. Nothing was changed." in said_by(owner.get(answer["Location"]))
    assert VendorBill.objects.count() == 1


def test_each_list_has_its_lines_with_sums_and_is_a_csv(owner, bill):
    pages = {name: said_by(owner.get(of(bill) + f"?list={name}")) for name in ("theirs", "ours")}
    different = said_by(owner.get(of(bill)))

    assert "Different 1 Theirs without ours 1 Ours without theirs 1 Equal 1" in different
    assert "Lines in this list: they charge $0.035 and we booked $0.03." in different
    assert "$0.035 $0.03 $0.005 \N{BLACK CIRCLE} Open" in different
    assert "x none" not in pages["theirs"]
    assert "$0.05 none $0.05 \N{BLACK CIRCLE} Open" in pages["theirs"]
    assert "none $0.03 -$0.03 \N{BLACK CIRCLE} Open" in pages["ours"]
    assert csv_of(owner.get(of(bill) + "?list=theirs&format=csv")).splitlines() == [
        "line,at,request_id,item,images,billed,booked,difference,currency,result,decision,words",
        "3,2026-11-20T12:01:30+00:00,x,gpt-image-2-origin,,0.050000,0.000000,0.050000,USD,theirs,,",
    ]


def test_a_formula_in_a_file_is_text_in_ours(owner, acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "0.03"), '=1+1,2026-11-20T12:00:00Z,"=cmd()",1'))

    said = csv_of(owner.get(of(bill) + "?list=theirs&format=csv"))

    assert "'=1+1" in said
    assert "'=cmd()" in said


def test_a_line_is_taken_with_a_reason_and_put_back(owner, bill):
    line = bill.lines.get(outcome="different")
    page = owner.get(act_page("bill.take", bill.pk), {"line": line.pk})

    unsaid = do(owner, "bill.take", bill.pk, line=line.pk)
    answers = [do(owner, "bill.take", bill.pk, line=line.pk, reason="their bill") for _ in "ab"]
    back = act_page("bill.put_back", line.pk)
    refused = owner.post(back, {"reason": " "})
    taken = corrections()
    do(owner, "bill.put_back", line.pk, reason="wrong month")

    assert "$0.03 → to $0.035 1 line, a change of $0.005." in said_by(page)
    assert unsaid.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [answer.status_code for answer in answers] == [HTTPStatus.SEE_OTHER] * 2
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    name = f"channel {bill.channel_id}: b"
    assert taken == [(5_000, name, "their bill")]
    assert corrections()[1:] == [(-5_000, f"{name} put back {line.pk}.1", "wrong month")]


def test_a_bills_head_counts_what_is_still_open(owner, bill):
    line = bill.lines.get(outcome="different")
    before = said_by(owner.get(of(bill)))

    do(owner, "bill.take", bill.pk, line=line.pk, reason="their bill")

    after = said_by(owner.get(of(bill)))
    assert "Still open $0.025 3 lines; difference when matched $0.025" in before
    assert "Still open $0.02 2 lines; difference when matched $0.025" in after


def test_several_are_money_in_bulk_and_their_change_is_typed(owner, bill):
    lines = bill.lines.exclude(outcome="equal")
    named = {"line": [line.pk for line in lines], "reason": "r"}

    wrong = do(owner, "bill.take", bill.pk, **named, confirm="1")
    no_amount = do(owner, "bill.take", bill.pk, **named, confirm="much")
    before = corrections()
    right = do(owner, "bill.take", bill.pk, **named, confirm="0.025")

    assert "It changes the cost by $0.025." in said_by(wrong)
    assert "Type an amount such as 0.25 or -0.25." in said_by(no_amount)
    assert before == []
    assert right["Location"] == of(bill)
    assert sum(change for change, *_ in corrections()) == 25_000


def test_all_of_a_list_is_taken_and_what_changed_meanwhile_is_named(owner, bill):
    line = bill.lines.get(outcome="different")
    BillLine.objects.filter(pk=line.pk).update(ours_micros=20_000)
    page = owner.get(act_page("bill.take", bill.pk) + "?list=different&all=1")

    answer = do(owner, "bill.take", bill.pk, line=line.pk, reason="r")

    assert f'name="line" value="{line.pk}"' in page.content.decode()
    why = "0.030000 USD is booked now, not 0.020000: match the bill again."
    assert f"Line 2 \N{BLACK DIAMOND} Not taken {why}" in said_by(answer)
    assert corrections() == []


def test_lines_are_disputed_for_the_vendor_and_withdrawn(owner, bill):
    line = bill.lines.get(outcome="theirs")
    unsaid = do(owner, "bill.dispute", bill.pk, line=line.pk, words=" ")
    undisputed = csv_of(owner.get(of(bill) + "?list=disputed&format=csv"))
    do(owner, "bill.dispute", bill.pk, line=line.pk, words="never asked for")
    said = csv_of(owner.get(of(bill) + "?list=disputed&format=csv"))
    owner.post(act_page("bill.withdraw", line.pk))

    assert unsaid.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This field is required." in said_by(unsaid)
    assert len(undisputed.splitlines()) == 1
    assert said.splitlines()[1].endswith("USD,theirs,disputed,never asked for")
    line.refresh_from_db()
    assert line.decision == ""


def test_the_list_says_how_much_of_a_difference_is_decided(owner, bill):
    different, theirs = bill.lines.get(outcome="different"), bill.lines.get(outcome="theirs")
    do(owner, "bill.take", bill.pk, line=different.pk, reason="r")
    do(owner, "bill.dispute", bill.pk, line=theirs.pk, words="never asked for")

    page = owner.get(LIST)
    (line,) = lines_of(owner.get(f"{LIST}?format=csv"))

    assert "$0.025 $0.005 taken 1 disputed" in said_by(page)
    assert f'href="{of(bill)}?list=disputed"' in page.content.decode()
    assert (line["taken"], line["disputed_lines"]) == ("0.005000", "1")


def test_a_bill_leads_to_its_lines_and_to_the_margin_of_its_days(owner, bill):
    page = owner.get(of(bill)).content.decode()

    days = "period=2026-11-20..2026-11-20"
    assert f'href="/ops/margin/?by=model&amp;channel={bill.channel.name}&amp;{days}"' in page
    assert f'href="/ops/audit/?about={bill.pk}&amp;action=bill."' in page
    assert 'href="?list=taken">$0.00</a>' in page
    assert f'for="request-{bill.lines.get(outcome="different").pk}"' in page


def test_a_doubtful_bill_is_settled_by_another_reading(owner, acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "3")))
    page = owner.get(of(bill))
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))

    owner.post(of(bill, "columns"), form)
    intake.match_waiting()

    assert "are its amounts cents? Read its amounts as cents" in said_by(page)
    bill.refresh_from_db()
    assert (bill.state, bill.sums) == ("ready", {"equal": [1, 30_000, 30_000]})


def test_a_doubtful_bill_may_be_accepted(owner, acme, channel):
    call(acme, channel, request_id="a")
    bill = matched(channel, csv_file(row("a", 0, "3")))

    owner.post(act_page("bill.accept", bill.pk))

    bill.refresh_from_db()
    assert (bill.state, bill.content) == ("ready", None)


def test_a_bill_is_deleted_until_something_of_it_is_taken(owner, bill):
    line = bill.lines.get(outcome="different")
    do(owner, "bill.take", bill.pk, line=line.pk, reason="r")

    refused = owner.post(act_page("bill.forget", bill.pk), follow=True)
    do(owner, "bill.put_back", line.pk, reason="r")
    kept = owner.post(act_page("bill.forget", bill.pk), follow=True)

    assert "Lines of it were taken, so it is kept." in said_by(refused)
    assert "Lines of it were taken, so it is kept." in said_by(kept)
    assert VendorBill.objects.get() == bill


def test_a_bill_becomes_a_cost_table(owner, bill, channel):
    page = owner.get(of(bill, "costs"))
    found = re.search(r'name="rows" value="([^"]*)"', page.content.decode())
    assert found
    shown = owner.post(f"/ops/channels/{channel.pk}/costs/", {"rows": found[1]})

    assert (
        f"{ORIGIN} 1024\N{MULTIPLICATION SIGN}1024 medium 1 1 at other amounts none $0.035"
        in said_by(page)
    )
    assert f"{ORIGIN} 1024\N{MULTIPLICATION SIGN}1024 medium none $0.035" in said_by(shown)
    assert CostTable.objects.count() == 0


def test_days_of_openai_are_matched_and_have_no_unit_costs(owner, acme, channel):
    call(acme, channel)
    content = costs_of_days((NOON.replace(hour=0), [(f"{ORIGIN}, output", "0.04")]))
    at = sent(owner, channel, content, "costs.json")["Location"]
    owner.post(at, fields_of(owner.get(at)))
    intake.match_waiting()
    bill = VendorBill.objects.get()

    assert "$0.04 $0.03 $0.01 \N{BLACK CIRCLE} Open" in said_by(owner.get(of(bill)))
    assert "No line is of one call" in said_by(owner.get(of(bill, "costs")))


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("", "No bills yet"),
        ("?mode=test", "Tests have no bills"),
        ("?mode=demo", "Demo data has no bills"),
    ],
)
def test_an_empty_list_says_why(owner, channel, mode, words):
    assert words in said_by(owner.get(LIST + mode))


def test_a_list_of_many_is_paged_and_searched_in_few_queries(owner, acme, channel):
    call(acme, channel, request_id="a")
    lines = [row(f"x{n}", n, "0.01") for n in range(60)]
    bill = matched(channel, csv_file(row("a", 0, "0.03"), *lines))

    with CaptureQueriesContext(
        connection,
    ) as first:
        page = owner.get(of(bill) + "?list=theirs")
    more = re.search(r'href="(\?list=theirs&amp;after=\d+)" [^>]*rel="next"', words_of(page))
    assert more
    second = owner.get(of(bill) + more[1].replace("&amp;", "&"))
    found = owner.get(of(bill) + "?list=theirs&q=x7")

    assert len(first) <= 12
    assert (
        page.content.count(b'name="line" value'),
        second.content.count(b'name="line" value'),
    ) == (50, 10)
    assert found.content.count(b'name="line" value') == 1
    with CaptureQueriesContext(connection) as listed:
        assert "61" in said_by(owner.get(LIST))
    assert len(listed) <= 12


def test_a_search_covers_a_number_of_lines_and_then_goes_on(owner, acme, channel, monkeypatch):
    call(acme, channel, request_id="a")
    items = ["heron", "fox", "fox", "a heron", "heron"]
    lines = [f"x{n},2026-11-20T13:00:00Z,{item},0.01" for n, item in enumerate(items)]
    bill = matched(channel, csv_file(row("a", 0, "0.03"), *lines))
    for place in (listing, one):
        monkeypatch.setattr(place, "MAX_SCANNED_ROWS", 2)

    first = owner.get(of(bill) + "?list=theirs&q=heron")
    (more,) = set(re.findall(r'href="(\?list=theirs&amp;q=heron&amp;after=\d+)"', html_of(first)))
    second = owner.get(of(bill) + more.replace("&amp;", "&"))
    taken = owner.get(act_page("bill.take", bill.pk) + more.replace("&amp;", "&") + "&all=1")
    by_id = owner.get(of(bill) + "?list=theirs&q=x4")
    csv = csv_of(owner.get(of(bill) + "?list=theirs&q=heron&format=csv"))

    assert "Only the first 2 lines of this list were looked at: look further on" in said_by(first)
    assert "Only the next 2 lines of this list were looked at: look further on" in said_by(second)
    assert [shown(page) for page in (first, second, by_id)] == [["x0"], ["x3"], ["x4"]]
    assert "1 line, a change of" in said_by(taken)
    assert [line.split(",")[2] for line in csv.splitlines()[1:]] == ["x0", "x3", "x4"]


def html_of(answer: Any) -> str:
    return str(answer.content.decode())


def shown(answer: Any) -> list[str]:
    """Return the request ids in a list of lines."""
    return re.findall(r'id="request-\d+"[^>]*>(x\d)<', html_of(answer))


@pytest.mark.parametrize("role", ["support", "operator"])
def test_reconciliation_is_hidden_from_roles_that_may_not_move_money(client, settings, bill, role):
    settings.STAFF_MFA = False
    person = User.objects.create_user("sam@pictor.example", "correct horse", staff_role=role)
    client.force_login(person)

    take = act_page("bill.take", bill.pk)

    answers = [client.get(LIST), client.get(of(bill)), client.post(take)]

    assert [answer.status_code for answer in answers] == [HTTPStatus.NOT_FOUND] * 3
    assert "Reconciliation" not in client.get("/ops/").content.decode()


@pytest.mark.parametrize(("role", "may"), [("finance", True), ("operator", False)])
def test_a_file_of_8_mib_reaches_the_page_of_those_who_may(client, role, may):
    person = User.objects.create_user("sam@pictor.example", "correct horse", staff_role=role)
    client.force_login(person)

    assert sender(f"{LIST}new/", client.session.session_key) == (f"person {person.id}", may)
