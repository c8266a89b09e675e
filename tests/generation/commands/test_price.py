"""`manage.py price`: nothing offered loses its price, and there is a way back."""

import pytest
from django.core.management.base import CommandError

from billing.models import PriceBook
from billing.selectors import book_in_force
from billing.services.office.prices import draft_price_book, publish_price_book, restore_price_book
from generation.models import Contract
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer

pytestmark = pytest.mark.django_db


def test_prices_go_out_and_come_in_and_are_compared_asked_about_and_published(price, exported):
    text = exported.read_text()
    line = "dall-e-2,256x256,standard,0.016000,fixed,256,256"
    assert line in text
    exported.write_text(text.replace(line, "dall-e-2,256x256,standard,0.02,,,"))

    drafted = price("import", str(exported), "--name", "list")
    published = price("publish", "list:2", typed="y\n")

    change = "dall-e-2 256x256 standard: 0.016000 USD -> 0.020000 USD\n"
    assert drafted.startswith(change)
    assert "list:2 is a draft" in drafted
    assert published.startswith(change + "Charge these prices? [y/N] ")
    assert "list:2 is published" in published
    assert price("diff", "list:1").startswith("dall-e-2 256x256 standard: 0.020000 USD")
    assert "list:2  everyone  x1 " in price("list")


def test_one_models_prices_come_in_beside_the_others(price, exported):
    before = exported.read_text().splitlines()
    row = "dall-e-2,256x256,standard,0.020000,fixed,256,256"
    exported.write_text(f"{before[0]}\n{row}\n")

    price("import", str(exported), "--name", "list", "--only", "dall-e-2")

    others = [line for line in before if not line.startswith("dall-e-2,")]
    assert set(price("export", "--book", "list:2").splitlines()) == {*others, row}
    with pytest.raises(CommandError, match="has prices of dall-e-2, not only of dall-e-3"):
        price("import", str(exported), "--name", "list", "--only", "dall-e-3")


def test_a_no_changes_nothing(price, exported):
    price("import", str(exported), "--name", "list")

    with pytest.raises(CommandError, match=r"Nothing was changed\."):
        price("publish", "list:2", typed="n\n")

    assert PriceBook.objects.get(version=2).published_at is None


def test_a_markup_is_in_the_difference(price, exported):
    drafted = price("import", str(exported), "--name", "list", "--markup", "2")

    assert "dall-e-2 256x256 standard: 0.016000 USD -> 0.032000 USD" in drafted


def test_a_book_that_leaves_something_offered_without_a_price_is_not_published(price, exported):
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join(line for line in lines if not line.startswith("dall-e-3,")))
    price("import", str(exported), "--name", "list")

    with pytest.raises(CommandError, match="without a price: dall-e-3 1024x1024 standard") as no:
        price("publish", "list:2", "--yes")

    assert " more" in str(no.value)
    assert PriceBook.objects.get(version=2).published_at is None


@pytest.mark.parametrize(
    ("usd", "markup"),
    [("0", "1"), ("0.000001", "0.4")],
    ids=["a price of 0", "one that rounds to 0"],
)
def test_a_book_that_gives_something_away_is_not_published(price, exported, usd, markup):
    line = "dall-e-2,256x256,standard,0.016000,fixed,256,256"
    exported.write_text(exported.read_text().replace(line, f"dall-e-2,256x256,standard,{usd},,,"))
    price("import", str(exported), "--name", "list", "--markup", markup)

    with pytest.raises(CommandError, match=r"gives away: dall-e-2 256x256 standard$"):
        price("publish", "list:2", "--yes")

    assert PriceBook.objects.get(version=2).published_at is None


@pytest.mark.parametrize(
    ("row", "typed"),
    [("dall-e-2,256x256,standard", "256000,256"), ("gpt-image-1,auto,low", "1024000,1024000")],
)
def test_pixels_that_are_not_those_of_the_size_are_shown_and_not_published(
    price, exported, row, typed
):
    lines = exported.read_text().splitlines()
    (place,) = [place for place, line in enumerate(lines) if line.startswith(row)]
    lines[place] = ",".join([*lines[place].split(",")[:5], typed])
    exported.write_text("\n".join(lines))

    drafted = price("import", str(exported), "--name", "list")
    with pytest.raises(CommandError, match="other pixels than its sizes: " + row.replace(",", " ")):
        price("publish", "list:2", "--yes")

    assert f"USD for {typed.replace(',', 'x')}\n" in drafted


def test_a_draft_is_in_force_from_its_publication_not_from_when_it_was_drafted(price, exported):
    price("import", str(exported), "--name", "list")
    drafted, published = PriceBook.objects.get(version=2).effective_from, clock.now()

    price("publish", "list:2", "--yes")

    assert drafted < published <= PriceBook.objects.get(version=2).effective_from


def test_a_draft_that_was_overtaken_begins_when_it_is_published(price, exported):
    text = exported.read_text()
    exported.write_text(text.replace(",0.016000,", ",0.017000,"))
    price("import", str(exported), "--name", "late")
    price("import", str(exported), "--name", "list")
    price("publish", "list:2", "--yes")
    exported.write_text(text)

    said = price("publish", "late:1", "--yes")

    (late, former) = PriceBook.objects.filter(version__in=[1, 2]).order_by("-effective_from")[:2]
    assert (late.name, former.name) == ("late", "list")
    assert late.effective_from.isoformat() in said
    assert book_in_force(None, clock.now()) == late


def test_a_version_keeps_the_markup_in_force(price, exported):
    price("import", str(exported), "--name", "list", "--markup", "1.25")
    price("publish", "list:2", "--yes")

    drafted = price("import", str(exported), "--name", "list")

    assert drafted.startswith("It changes no price.\nlist:3 is a draft")


def test_a_tenants_own_book_is_compared_with_its_present_prices(price, exported, tmp_path):
    acme = PayingCustomer("acme")
    own = tmp_path / "own.csv"
    own.write_text("model,size,quality,usd\ndall-e-2,256x256,standard,0.01\n")

    drafted = price("import", str(own), "--name", "acme", "--tenant", str(acme.id))

    first, second = drafted.splitlines()
    assert first == "dall-e-2 256x256 standard: 0.016000 USD -> 0.010000 USD"
    assert second.startswith("acme:1 is a draft with 1 prices.")


def test_reference_images_that_would_be_included_from_now_on_are_in_the_difference(price, exported):
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join(line for line in lines if ",input," not in line))

    drafted = price("import", str(exported), "--name", "list")

    assert "gpt-image-2 reference input: 0." in drafted
    assert "-> included\n" in drafted
    assert "no price" not in drafted


def test_a_model_that_is_switched_off_needs_no_price(price, exported):
    Contract.objects.filter(model="dall-e-3").update(is_enabled=False)
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join(line for line in lines if not line.startswith("dall-e-3,")))
    price("import", str(exported), "--name", "list")

    assert "is published" in price("publish", "list:2", "--yes")


def test_a_markup_of_nothing_is_not_published(price, exported):
    price("import", str(exported), "--name", "list", "--markup", "0")

    with pytest.raises(CommandError, match="a markup of 0 would give every image away"):
        price("publish", "list:2", "--yes")


def test_the_former_book_is_put_in_force_again_by_one_command(price, exported):
    price("import", str(exported), "--name", "list", "--markup", "3")
    price("publish", "list:2", "--yes")

    assert "list:1 is in force again, as list:3" in price("restore", "list:1", "--yes")

    assert price("export") == price("export", "--book", "list:1")
    assert "It changes no price." in price("diff", "list:1")


def test_a_draft_is_not_restored(price, exported):
    price("import", str(exported), "--name", "list")

    with pytest.raises(CommandError, match="is a draft: publish it"):
        price("restore", "list:2", "--yes")


def test_a_new_version_begins_with_the_rows_in_force(seeded):
    now = clock.now()
    first = PriceBook.objects.get()

    second = draft_price_book(name="list", effective_from=now, actor="test")

    assert second.version == 2
    assert second.prices.count() == first.prices.count() > 100


def test_a_tenants_own_book_may_have_a_single_row(price, channel, tmp_path):
    PayingCustomer("acme")
    file = tmp_path / "own.csv"
    file.write_text("model,size,quality,usd\ngpt-image-2,1024x1024,low,0.01\n")

    price("import", str(file), "--name", "acme", "--tenant", "acme")

    assert "acme:1 is published" in price("publish", "acme:1", "--yes")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("diff", "list:9"), "there is no price book 'list:9'"),
        (("diff", "standard"), "there is no price book 'standard'"),
        (("import", "/nowhere.csv", "--name", "x"), "/nowhere.csv: "),
        (("import", "-", "--name", "x"), "-: the columns"),
        (("publish", "list:1", "--yes"), "published already"),
    ],
)
def test_mistakes_are_one_clear_line(price, arguments, why):
    with pytest.raises(CommandError, match=why):
        price(*arguments)


def test_a_restored_book_is_published_from_now(seeded):
    now = clock.now()
    first = PriceBook.objects.get()

    again = restore_price_book(book=first, actor="test", now=now)

    assert (again.version, again.published_at, again.effective_from) == (2, now, now)
    with pytest.raises(Exception, match="published already"):
        publish_price_book(book=again, actor="test", now=now)
