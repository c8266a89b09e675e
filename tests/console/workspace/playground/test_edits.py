"""The playground's edits and variations: own images by id, masks, and further fields of the API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from console.workspace.shared.snippets import snippets_of
from generation.api.playground import last_preview
from generation.channels.declaration import Task
from generation.lifecycle.partial_news import PartialImage, keep_command
from generation.models import Generation
from pictor.kit.redis.client import send
from storage import backends
from storage.models import StoredImage
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.playground.forms import form
from tests.fakes.recorder import drawn, noise
from tests.making.factories import make_channel

HELD_WITH_ONE = 52_680 + 53_600


@pytest.fixture(autouse=True)
def bucket() -> None:
    backends.ensure_bucket()


def mask(size: tuple[int, int] = (64, 64)) -> SimpleUploadedFile:
    return SimpleUploadedFile("mask.png", noise(size), "image/png")


def newest() -> Generation:
    return Generation.objects.latest("id")


def test_an_own_image_is_a_reference_without_being_sent_again(acme, sign_in, own):
    said = form(acme, shown=str(HELD_WITH_ONE), use=own.public_id)

    sign_in(acme).post(url("playground_run", acme), said)

    assert newest().task == "generate"
    assert [one["label"] for one in newest().inputs] == ["image[0]"]
    assert newest().inputs[0]["size_bytes"] == len(drawn((64, 64)))


def test_use_as_reference_keeps_the_form_and_prices_the_image(acme, sign_in, own):
    page = words_of(
        sign_in(acme).post(url("playground_quote", acme), form(acme, add=own.public_id))
    )

    assert f'name="use" value="{own.public_id}" checked' in page
    assert "Holds up to; charged by the result, from $0.05268" in page
    assert f"{own.public_id}.png" in page


def test_another_workspaces_image_or_one_that_is_gone_is_refused_in_words(
    acme, other, sign_in, own
):
    StoredImage.objects.filter(id=own.id).update(tenant=other.tenant)

    answer = sign_in(acme).post(
        url("playground_run", acme), form(acme, shown="9999999", use=own.public_id)
    )

    assert answer.status_code == 422
    assert "is no image here, or was deleted: choose another." in said_by(answer)
    assert Generation.objects.filter(source="playground").count() == 0


def test_an_edit_has_its_images_and_its_mask(acme, sign_in, own):
    said = form(acme, task="edit", use=own.public_id, shown=str(HELD_WITH_ONE))

    answer = sign_in(acme).post(url("playground_run", acme), {**said, "mask": mask()})

    assert answer.status_code == 302
    assert newest().task == "edit"
    assert [one["label"] for one in newest().inputs] == ["image[0]", "mask"]
    assert newest().fields["mask"] == newest().inputs[1]["placeholder"]


@pytest.mark.parametrize(
    ("changes", "files", "words"),
    [
        ({"task": "edit"}, {}, "The image is missing: choose the one to be edited."),
        ({"task": "edit", "reference": "fox.png"}, {}, "The image is missing: choose the one"),
        (
            {"task": "edit"},
            {"image": (64, 64), "mask": (32, 32)},
            "mask is 32x32, and the first image 64x64",
        ),
    ],
    ids=["no image", "a name only", "another size"],
)
def test_an_edit_that_cannot_be_is_refused_and_the_form_is_kept(
    acme, sign_in, changes, files, words
):
    sent = {name: mask(size) for name, size in files.items()}

    answer = sign_in(acme).post(
        url("playground_run", acme), {**form(acme, shown="9999999", **changes), **sent}
    )

    assert answer.status_code == 422
    assert words in said_by(answer)
    assert '<option value="edit" selected>' in words_of(answer)
    assert Generation.objects.count() == 0


def test_a_square_png_can_be_varied_where_a_model_has_variations(acme, sign_in, own):
    make_channel("old", "dall-e-2")
    client = sign_in(acme)
    card = words_of(client.get(url("playground", acme) + "?run=" + newest().public_id))
    way = f"?task=variation&amp;model=dall-e-2&amp;use={own.public_id}"

    client.post(
        url("playground_run", acme),
        form(acme, model="dall-e-2", task="variation", size="256x256", was="256x256",
             use=own.public_id, prompt="", shown="9999999"),
    )  # fmt: skip

    assert way in card
    assert (newest().task, newest().prompt) == ("variation", "")


def test_further_fields_are_sent_and_filled_in_again(acme, sign_in):
    client = sign_in(acme)
    more = {
        "background": "opaque", "moderation": "low", "output_format": "webp",
        "output_compression": "0", "partial_images": "2", "strict_size": "true",
    }  # fmt: skip

    client.post(url("playground_run", acme), form(acme, **more))

    made = newest()
    assert made.fields == {"background": "opaque", "moderation": "low"}
    assert (made.output_compression, made.partial_images, made.strict_size) == (0, 2, True)
    again = words_of(client.get(url("playground", acme) + f"?again={made.public_id}"))
    assert '<option value="opaque" selected>' in again
    assert 'max="100" value="0"' in again
    assert 'name="strict_size" value="true" checked' in again


def test_a_number_that_is_none_is_refused_in_words(acme, sign_in):
    answer = sign_in(acme).post(url("playground_run", acme), form(acme, output_compression="many"))

    assert answer.status_code == 422
    assert "output_compression" in said_by(answer)
    assert "a fox" in words_of(answer)


def test_code_sends_an_edit_as_a_form():
    body = {"model": "gpt-image-2", "prompt": "it's blue", "n": 1, "stream": True}

    curl, python, node = snippets_of("https://api.example", body, ["a.png"], task=Task.EDIT)

    assert curl.text.startswith("curl https://api.example/v1/images/edits \\\n")
    assert "--form-string 'prompt=it'\"'\"'s blue'" in curl.text
    assert curl.text.endswith("-F image=@a.png")
    compile(python.text, "snippet", "exec")
    assert "client.images.edit(" in python.text
    assert python.text.endswith("for event in answer:\n    print(event.type)")
    assert 'image: createReadStream("a.png"),' in node.text


def test_the_last_preview_is_shown_while_it_is_made(acme, sign_in):
    sign_in(acme).post(url("playground_run", acme), form(acme, partial_images="2"))
    made = newest()
    assert last_preview(made) == ""

    for index in (0, 1):
        send(keep_command(PartialImage(
            str(made.id), f"tmp/{index}.png", 0, index, "1024x1024", "png", "auto", "auto", 1,
        )))  # fmt: skip

    assert "tmp/1.png" in last_preview(made)
    card = words_of(sign_in(acme).get(url("playground", acme) + f"?run={made.public_id}"))
    assert "tmp/1.png" in card
    Generation.objects.filter(id=made.id).update(
        state="canceled", captured_micros=0, finished_at=made.created_at
    )
    assert last_preview(newest()) == ""
