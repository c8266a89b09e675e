"""`manage.py channel cost`: CSV in and out, a copy times a factor, and known costs."""

import json
from io import StringIO

import pytest

from billing.cost_csv import read
from generation.channels.registry import published_costs
from generation.models import CostTable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

NEW = ("--base-url", "https://api.example.com/v1", "--api-key", "sk-1")
CSV = """\
# their letter of 2026-11-26
model,size,quality,usd,kind
dall-e-3,1024x1024,standard,0.030000,fixed
dall-e-3,1024x1024,hd,0.060000,fixed
"""


@pytest.fixture
def acme(manage, tmp_path):
    """A channel named acme, and the path of a file with its costs."""
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-3")
    file = tmp_path / "costs.csv"
    file.write_text(CSV)
    return str(file)


def test_a_file_is_imported_shown_and_given_back_as_it_was(manage, acme):
    said = manage("channel", "cost", "import", "acme", acme)

    shown = manage("channel", "cost", "show", "acme").out.splitlines()
    assert said.out.startswith("acme has 2 costs from 20")
    assert shown[0].endswith(": their letter of 2026-11-26")
    assert shown[2].split() == ["dall-e-3", "1024x1024", "standard", "0.030000", "fixed"]
    assert shown[-1] == "unknown: 4 cells that it serves, such as dall-e-3 1024x1792 standard"
    assert manage("channel", "cost", "show", "acme", "--csv").out == CSV


def test_json_says_what_is_in_force_what_is_later_and_what_is_unknown(manage, acme):
    manage("channel", "cost", "import", "acme", acme, "--from", "2999-01-01T00:00:00Z")

    now = json.loads(manage("channel", "cost", "show", "acme", "--json").out)
    then = json.loads(
        manage("channel", "cost", "show", "acme", "--json", "--at", "2999-01-01T00:00:00Z").out
    )

    assert (now["table"], len(now["unknown"]), len(now["later"])) == (None, 6, 1)
    assert then["table"]["from"] == "2999-01-01T00:00:00+00:00"
    assert then["table"]["rows"][1] == {
        "model": "dall-e-3", "size": "1024x1024", "quality": "hd", "usd": "0.060000",
        "kind": "fixed",
    }  # fmt: skip
    assert (len(then["unknown"]), then["later"]) == (4, [])


def test_costs_by_pixels_are_in_words_and_given_back_as_they_were(manage, acme, tmp_path):
    text = (
        "model,size,quality,usd,kind,further,round,megapixel,steps\n"
        "dall-e-3,any,hd,0.030000,pixels,0.015000,up,1048576,\n"
        "dall-e-3,any,standard,0.020000,fixed,,,,\n"
    )
    file = tmp_path / "pixels.csv"
    file.write_text(text)

    manage("channel", "cost", "import", "acme", str(file))

    shown = manage("channel", "cost", "show", "acme").out.splitlines()
    words = "0.030000 USD the first megapixel, 0.015000 USD each further one"
    assert shown[2] == f"dall-e-3  any   hd        {words}  pixels"
    assert shown[-1].split() == ["dall-e-3", "any", "standard", "0.020000", "fixed"]
    assert manage("channel", "cost", "show", "acme", "--csv").out == text
    said = json.loads(manage("channel", "cost", "show", "acme", "--json").out)
    assert said["table"]["rows"] == [
        {
            "model": "dall-e-3", "size": "any", "quality": "hd", "usd": "0.030000",
            "kind": "pixels", "further": "0.015000", "round": "up", "megapixel": "1048576",
            "steps": "",
        },
        {
            "model": "dall-e-3", "size": "any", "quality": "standard", "usd": "0.020000",
            "kind": "fixed",
        },
    ]  # fmt: skip


def test_another_channels_costs_are_copied_by_a_factor(manage, acme):
    manage("channel", "cost", "import", "acme", acme)
    manage("channel", "set", "reseller", *NEW, "--models", "dall-e-3")

    copied = manage("channel", "cost", "copy", "reseller", "acme", "--factor", "0.8", "--json")

    said = json.loads(copied.out)
    assert [row["usd"] for row in said["rows"]] == ["0.024000", "0.048000"]
    assert said["source"].startswith("0.8 x acme as of 20")


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_published_prices_are_loaded_with_their_source(manage, acme, name):
    said = manage("channel", "cost", "import", "acme", "--published", name, "--json")

    loaded = json.loads(said.out)
    assert loaded["source"] == read(published_costs()[name].read_text()).source
    assert "2026-11" in loaded["source"]
    prices = {(row["model"], row["size"], row["quality"]): row["usd"] for row in loaded["rows"]}
    assert prices["gpt-image-2", "tokens", "output"] == "30.000000"


def test_a_doubtful_cost_is_said_and_typed_again(manage, acme, tmp_path, monkeypatch):
    manage("channel", "cost", "import", "acme", acme)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(CSV.replace("0.030000", "30"))

    monkeypatch.setattr("sys.stdin", StringIO(""))
    unsaid = manage("channel", "cost", "import", "acme", str(wrong))
    monkeypatch.setattr("sys.stdin", StringIO("0.03\n"))
    mistyped = manage("channel", "cost", "import", "acme", str(wrong))
    kept = CostTable.objects.count()
    monkeypatch.setattr("sys.stdin", StringIO("30\n"))
    typed = manage("channel", "cost", "import", "acme", str(wrong))
    again = manage("channel", "cost", "import", "acme", str(wrong), "--again", "30")

    assert "dall-e-3 1024x1024 standard: 30.000000 USD, more than 5 times the last" in unsaid.out
    assert unsaid.error == "Nothing was changed."
    assert "0.030000 is not the highest of them" in (mistyped.error or "")
    assert kept == 1
    assert (typed.error, again.error) == (None, None)


def test_a_factor_that_was_mistyped_is_stopped(manage, acme, monkeypatch):
    manage("channel", "cost", "import", "acme", acme)
    manage("channel", "set", "reseller", *NEW, "--models", "dall-e-3")
    monkeypatch.setattr("sys.stdin", StringIO(""))

    said = manage("channel", "cost", "copy", "reseller", "acme", "--factor", "1000", "--json")

    assert "dall-e-3 1024x1024 standard: 30.000000 USD, above the price, 0.040000" in said.err
    assert (said.out, said.error) == ("", "Nothing was changed.")
    assert CostTable.objects.count() == 1


def test_a_flat_cost_is_typed_again_too(manage, acme, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("30\n"))

    said = manage("channel", "set", "acme", "--cost", "30")

    assert "dall-e-3: 30.000000 USD, above the price, at most 0.120000" in said.out
    assert said.error is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("import", "acme"), "name a file, or --published and a vendor"),
        (("import", "acme", "/nowhere.csv"), "No such file"),
        (("import", "acme", "FILE", "--published", "azure"), "name a file, or --published"),
        (("import", "acme", "FILE", "--from", "soon"), "'soon' is not a time with its zone"),
        (("import", "acme", "FILE", "--from", "2026-13-01T00:00Z"), "is not a time with its zone"),
        (("import", "acme", "FILE", "--from", "9999-12-31T23:59-12:00"), "is not a time"),
        (("import", "acme", "FILE", "--from", "2020-01-01T00:00:00Z"), "begin now or later"),
        (("import", "nobody", "FILE"), "no channel named 'nobody'"),
        (("copy", "acme", "nobody"), "no channel named 'nobody'"),
        (("copy", "acme", "acme"), "acme has no cost table in force"),
    ],
)
def test_an_impossible_command_is_refused_in_a_line(manage, acme, words, error):
    said = manage("channel", "cost", *(acme if word == "FILE" else word for word in words))

    assert error in (said.error or "")
    assert not CostTable.objects.exists()
