"""The playground has a field for each parameter of the chosen model's own."""

from console.workspace.shared.choices import draft_of
from generation.catalogue.parameters import Parameter
from generation.models import Contract, Generation
from tests.console.answers import words_of
from tests.console.workspace.conftest import url
from tests.console.workspace.playground.forms import form
from tests.making.factories import contract_of

ROWS = [
    {"name": "seed", "type": "integer", "least": 0, "most": 9},
    {"name": "look", "type": "word", "words": ["photo", "drawing"], "default": "photo"},
    {"name": "grounding", "type": "flag", "default": False},
    {"name": "negative_prompt", "type": "text", "most": 50},
]
FOX = contract_of(
    "dall-e-3",
    parameters=(Parameter("seed", "integer", least=0, most=9), Parameter("grounding", "flag")),
)


def test_a_value_is_sent_in_its_type_and_a_wrong_one_as_it_was_typed():
    said = {"model": "dall-e-3", "own-seed": " 7", "own-grounding": "true", "own-other": "1"}
    wrong = draft_of(said | {"own-seed": "seven"}, [FOX])

    assert draft_of(said, [FOX]).body | {"prompt": ""} == {
        "model": "dall-e-3", "prompt": "", "size": "1024x1024", "n": 1, "seed": 7,
        "grounding": True,
    }  # fmt: skip
    assert wrong.body["seed"] == "seven"
    assert draft_of({"own-seed": ""}, [FOX]).own == {}


def test_they_are_fields_sent_with_the_run_and_filled_in_again(acme, sign_in):
    Contract.objects.filter(pk="dall-e-3").update(parameters=ROWS)
    client = sign_in(acme)
    said = form(acme, model="dall-e-3", quality="standard", shown="40000", **{"own-seed": "7"})

    page = client.get(url("playground", acme) + "?model=dall-e-3").content.decode()
    refused = client.post(url("playground_run", acme), said | {"own-seed": "12"})
    client.post(url("playground_run", acme), said | {"own-grounding": "true"})
    made = Generation.objects.get()
    again = client.get(url("playground", acme) + f"?again={made.public_id}").content.decode()

    for name in ("seed", "look", "grounding", "negative_prompt"):
        assert f'name="own-{name}"' in page
    assert "More options" in page
    assert "seed must be between 0 and 9." in words_of(refused)
    assert made.fields == {"seed": 7, "grounding": True}
    assert 'value="7"' in again.partition('id="own-seed"')[2][:60]
    assert '<option value="true" selected>' in again
    assert 'name="own-' not in client.get(url("playground", acme)).content.decode()
