"""Reference images of the playground: files of its form, admitted or refused like the API's."""

import json
import shutil
import subprocess

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Membership
from console.uploads import sender
from console.workspace.shared.snippets import snippets_of
from generation.models import Channel, Contract, Generation
from storage import backends
from tests.console.answers import words_of
from tests.console.workspace.conftest import require_factor, url
from tests.console.workspace.playground.forms import form
from tests.fakes.recorder import drawn

SMALL = (64, 64)
HELD_WITH_TWO = 52_680 + 2 * 53_600


@pytest.fixture(autouse=True)
def bucket() -> None:
    backends.ensure_bucket()


def png(name: str = "fox.png", size: tuple[int, int] = SMALL) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, drawn(size), "image/png")


def objects() -> int:
    """The number of reference images on storage."""
    found = backends.bucket.client.list_objects_v2(Bucket=settings.S3_BUCKET, Prefix="in/")
    return len(found.get("Contents", ()))


def test_files_become_reference_images_of_an_ordinary_generation(acme, sign_in):
    files = [png("fox.png"), png("heron.png", (32, 48))]

    said = {**form(acme, shown=str(HELD_WITH_TWO)), "image": files}
    answer = sign_in(acme).post(url("playground_run", acme), said)

    made = Generation.objects.get()
    assert answer["Location"] == url("generation", acme, made.public_id)
    assert [one["label"] for one in made.inputs] == ["image[0]", "image[1]"]
    assert made.fields["image"] == [one["placeholder"] for one in made.inputs]
    assert [one["size_bytes"] for one in made.inputs] == [
        len(drawn(SMALL)), len(drawn((32, 48)))
    ]  # fmt: skip
    assert acme.money == (10_000_000 - HELD_WITH_TWO, HELD_WITH_TWO)


def test_files_that_were_not_in_the_price_that_was_shown_are_not_taken(acme, sign_in):
    stored = objects()

    said = {**form(acme, shown=str(HELD_WITH_TWO - 1)), "image": [png(), png("heron.png")]}
    answer = sign_in(acme).post(url("playground_run", acme), said)

    page = words_of(answer)
    assert answer.status_code == 422
    assert "$0.15988" in page
    assert "Choose the 2 reference images again" in page
    assert (acme.money, Generation.objects.count()) == ((10_000_000, 0), 0)
    assert objects() == stored


def test_the_same_form_with_its_files_is_made_once(acme, sign_in):
    client, stored = sign_in(acme), objects()

    for _ in range(2):
        said = {**form(acme, number="1" * 32, shown="999999"), "image": [png()]}
        client.post(url("playground_run", acme), said)

    assert Generation.objects.count() == 1
    assert objects() == stored + 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([SimpleUploadedFile("notes.png", b"no image")], "notes.png is not a PNG, JPEG or WebP"),
        ([png(), SimpleUploadedFile("x.png", drawn(SMALL)[:-30])], "x.png is broken or cut short"),
        ([png()] * 17, "image holds more than 16 images"),
    ],
    ids=["no image", "half an image", "too many"],
)
def test_a_bad_file_is_refused_in_words_and_the_form_is_kept(acme, sign_in, files, message):
    asked = form(acme, prompt="a blue heron", shown="9999999")
    said, stored = {**asked, "image": files}, objects()

    answer = sign_in(acme).post(url("playground_run", acme), said)

    page = words_of(answer)
    assert answer.status_code == 422
    assert message in page
    assert "a blue heron" in page
    assert (acme.money, Generation.objects.count()) == ((10_000_000, 0), 0)
    assert objects() == stored


def test_files_that_are_refused_for_another_reason_are_not_kept(acme, sign_in):
    stored = objects()

    said = {**form(acme, prompt=" "), "image": [png()]}
    answer = sign_in(acme).post(url("playground_run", acme), said)

    assert answer.status_code == 422
    assert objects() == stored


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: Channel.objects.update(ignored_fields=["image"]),
        lambda: Contract.objects.update(most_references=0),
    ],
)
def test_a_model_whose_channels_or_contract_take_no_images_takes_none(acme, sign_in, refuse):
    refuse()
    client = sign_in(acme)

    page = words_of(
        client.post(url("playground_quote", acme), {**form(acme), "reference": "a.png"})
    )
    client.post(url("playground_run", acme), {**form(acme), "image": [png()]})

    assert "data-no-references" in page
    assert "a.png" not in page
    assert Generation.objects.get().inputs == []


def test_a_quote_sends_only_the_names_of_the_files(acme, sign_in):
    said = {**form(acme), "reference": ["fox.png", "../heron.png"], "image": "[object File]"}

    page = words_of(sign_in(acme).post(url("playground_quote", acme), said))

    assert "Holds up to; charged by the result, from $0.05268" in page
    assert "$0.15988" in page
    assert "data-no-references" not in page
    assert "readFileSync(&quot;fox.png&quot;, &quot;base64&quot;)" in page
    assert "Path(&#x27;heron.png&#x27;).read_bytes()" in page


@pytest.mark.skipif(not shutil.which("base64"), reason="no base64 in this shell")
def test_code_reads_the_files_and_sends_what_the_form_sends(tmp_path):
    (tmp_path / "a b's.png").write_bytes(b"abc")
    (tmp_path / "$x.png").write_bytes(b"defg")
    body = {"model": "dall-e-3", "prompt": 'it\'s $5 for `a` "fox" \\ two\nlines', "n": 1}

    curl, python, node = snippets_of("https://api.example", body, ["a b's.png", "$x.png"])

    script = f"curl() {{ cat; }}\n{curl.text}\n"
    sent = subprocess.run(  # noqa: S603 - our own words
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(sent.stdout) == {**body, "image": ["YWJj", "ZGVmZw=="]}
    compile(python.text, "snippet", "exec")
    assert "b64encode(Path('$x.png').read_bytes()).decode()" in python.text
    assert 'readFileSync("$x.png", "base64")' in node.text


def test_a_generation_with_references_is_opened_again_and_asks_for_them(acme, sign_in):
    client = sign_in(acme)
    asked = form(acme, shown=str(HELD_WITH_TWO))
    client.post(url("playground_run", acme), {**asked, "image": [png(), png("b.png", (8, 8))]})

    page = words_of(
        client.get(url("playground", acme) + f"?again={Generation.objects.get().public_id}")
    )

    assert "It was made with 2 reference images: choose them again." in page


# --- permission to send a large form -----------------------------------------------------------


def test_large_forms_are_read_from_members_who_may_generate_and_nobody_else(acme, other, sign_in):
    session = {
        role: sign_in(acme, role).cookies[settings.SESSION_COOKIE_NAME].value
        for role in Membership.Role.values
    }
    run, share = url("playground_run", acme), (str(acme.id), True)
    owner = (f"person {Membership.objects.get(tenant=acme.tenant, role='owner').user_id}", False)

    assert {role for role in session if sender(run, session[role]) == share} == {
        "owner", "admin", "developer",
    }  # fmt: skip
    assert sender(url("compare_run", acme), session["owner"]) == share
    assert sender(url("playground_quote", acme), session["owner"]) == owner
    assert sender(url("playground_run", other), session["owner"]) == owner
    elsewhere = reverse("workspace:playground_run", args=["ten_x"])
    assert sender(elsewhere, session["owner"]) == owner
    nobodys = ("", "x" * 32, session["owner"][:-1] + "é")
    assert [sender(run, text) for text in nobodys] == [("", False)] * 3
    assert sender("/nowhere/", session["owner"]) == owner
    require_factor(acme)
    assert sender(run, session["owner"]) == owner
