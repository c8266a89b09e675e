"""Present trouble is shown on the overview and the playground, as on the status page."""

from uuid import uuid4

from generation.catalogue.services.stop_switch import Stoppable, start, stop
from generation.oversight import conditions, incidents
from generation.oversight.incidents import IncidentWords, State
from pictor.kit.words import clock
from tests.console.answers import words_of
from tests.console.workspace.conftest import url


def test_trouble_of_the_status_page_is_told_here_too(acme, sign_in):
    client = sign_in(acme)
    before = words_of(client.get(url("playground", acme)))

    conditions.look(now=clock.now())  # no image worker has a lease

    assert "Image workers: none is at work" not in before
    pages = [words_of(client.get(url(name, acme))) for name in ("playground", "overview")]
    assert ["Image workers: none is at work" in page for page in pages] == [True, True]


def test_incidents_and_paused_models_are_told_in_the_workspace(acme, other, sign_in):
    client, now = sign_in(acme), clock.now()
    incidents.begin(
        title="Wrong colours",
        touched=["dall-e-3"],
        state=State.IDENTIFIED,
        post=IncidentWords("We look.", uuid4()),
        now=now,
        actor="Ann",
    )
    stops = [
        (Stoppable(tenant=acme.tenant), "Call us."),
        (Stoppable(tenant=other.tenant), "Not for acme."),
        (Stoppable("gpt-image-2"), ""),
    ]
    for what, words in stops:
        stop(what=what, reason="acme-openai overbills", words=words, now=now, actor="Ann")
    conditions.look(now=now)

    pages = [words_of(client.get(url(name, acme))) for name in ("playground", "overview")]
    said = (
        f"This workspace is paused since {now:%-d %B, %H:%M} UTC: Call us.",
        f"gpt-image-2 is paused since {now:%-d %B, %H:%M} UTC.",
        "Wrong colours: identified.",
    )
    assert [[words in page for words in said] for page in pages] == [[True] * 3] * 2
    secrets = ("Not for acme.", "overbills", "paused by the operator")
    assert [secret for secret in secrets for page in pages if secret in page] == []
    start(what=Stoppable(tenant=acme.tenant), now=now, actor="Ann")
    assert "This workspace is paused" not in words_of(client.get(url("playground", acme)))
