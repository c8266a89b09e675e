"""A route's field map: typed as a file, tested like another name, shown by explain."""

import json

import pytest

from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel, PendingRevision, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

FAL = ("--kind", "fal", "--base-url", "https://queue.fal.run", "--api-key", "k")
MAP = {"size": {"to": "size", "as": "star"}, "fixed": {"safe": False}}


@pytest.fixture
def fox(tmp_path):
    """The path of a map."""
    path = tmp_path / "fox.toml"
    path.write_text('size = { to = "size", as = "star" }\nfixed = { safe = false }\n')
    return path


@pytest.fixture
def serving(manage):
    """A channel that serves, untested, and has no map."""
    manage("channel", "set", "acme", *FAL, "--map", "gpt-image-2=fox-1")
    Route.objects.update(is_approved=True)
    Channel.objects.update(is_enabled=True)
    return "acme"


def test_a_map_is_kept_and_used(manage, fox):
    named = ("--map", "gpt-image-2=fox-1", "--fields", f"gpt-image-2:{fox}")
    assert manage("channel", "set", "acme", *FAL, *named).error is None

    Route.objects.update(is_approved=True)
    Channel.objects.update(is_enabled=True)
    [route] = current_catalogue().routes["gpt-image-2"]
    assert route.config(60).field_map == MAP
    [listed] = json.loads(manage("channel", "list", "--json").out)
    assert listed["field_maps"] == {"gpt-image-2": MAP}
    assert 'acme sends size = {"as": "star", "to": "size"}' in (
        manage("channel", "explain", "gpt-image-2").out
    )


def test_a_new_map_waits_for_its_test_while_the_old_one_serves(manage, serving, fox):
    said = manage("channel", "set", serving, "--fields", f"gpt-image-2:{fox}")

    assert "its pending revision waits" in said.out
    assert Route.objects.get().field_map is None
    assert PendingRevision.objects.get().routes[0]["field_map"] == MAP
    assert "has not passed a test of gpt-image-2" in (
        manage("channel", "swap", serving).error or ""
    )
    assert manage("channel", "swap", serving, "--untested").error is None
    assert Route.objects.get().field_map == MAP


def test_a_map_is_taken_away_by_none(manage, fox):
    manage(
        "channel", "set", "acme", *FAL, "--map", "gpt-image-2=f", "--fields", f"gpt-image-2:{fox}"
    )
    Route.objects.update(is_approved=True)

    manage("channel", "set", "acme", "--fields", "gpt-image-2:none")

    assert Route.objects.get().field_map is None
    assert not Route.objects.get().is_approved


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("fal", 'seed = "a b"', "the field map of gpt-image-2: 'a b' is named twice, or is no"),
        ("gemini", 'seed = "s"', "a channel of kind gemini has no field map"),
        ("fal", "seed = ", "fox.toml: Invalid value"),
    ],
)
def test_a_wrong_map_is_refused(manage, fox, kind, text, words):
    fox.write_text(text)
    new = ("--kind", kind, "--base-url", "https://api.example.com", "--api-key", "k")

    said = manage(
        "channel", "set", "acme", *new, "--map", "gpt-image-2=f", "--fields", f"gpt-image-2:{fox}"
    )

    assert words in (said.error or "")
    assert not Channel.objects.exists()


def test_another_kind_refuses_a_map_that_it_has_not(manage, serving, fox):
    manage("channel", "set", serving, "--fields", f"gpt-image-2:{fox}")

    said = manage("channel", "set", serving, "--kind", "gemini", "--api-key", "k")

    assert "a channel of kind gemini has no field map" in (said.error or "")
