"""A model's contract changed in form rows: shown first, saved once, refused at its field."""

from http import HTTPStatus
from typing import Any

import pytest

from accounts.models import AuditEvent
from generation.catalogue.snapshot import current_catalogue
from generation.models import Contract, Route
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import (
    LEAST,
    MODEL,
    agreed,
    of,
    said_on,
    sold,
    trouble,
    typed,
)
from tests.making.factories import make_channel


def stored(model: str = LEAST) -> dict[str, Any]:
    return dict(Contract.objects.filter(pk=model).values().get())


def test_the_form_has_a_row_for_each_size_and_no_json(owner):
    page = owner.get(of("gpt-image-2-pro", "edit"))

    rows = page.context["rows"]
    assert (rows[0].size, rows[0].tier, rows[0].ratio, rows[0].preset) != ("", "", "", "")
    assert len([row for row in rows if row.size]) == 18
    assert "[{" not in page.content.decode()
    assert page.context["form"]["quality_aliases"].value() == "hd=high, standard=medium"


def test_a_change_is_seen_before_it_is_saved_and_then_holds(owner):
    Contract.objects.filter(pk=LEAST).update(is_enabled=False)
    seen = typed(owner, LEAST, size={3: "1536x1024"}, tier={3: "2K"}, max_n="4")
    untouched = stored()["max_n"]

    answer = agreed(owner, LEAST, seen)

    said = text_of(seen)
    assert seen.status_code == HTTPStatus.OK
    assert "Nothing is saved yet: see what changes" in said
    assert "Images of a request 1 4" in said
    assert "Size 1536x1024 none 2K" in said
    assert "Without a price ■ 1536x1024 standard, 1536x1024 hd: publish" in said
    assert untouched == 1
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.SEE_OTHER, of(LEAST))
    contract = current_catalogue().contracts[LEAST]
    assert contract.max_n == 4
    assert [(str(option.size), option.tier) for option in contract.options][-1] == (
        "1536x1024",
        "2K",
    )
    event = AuditEvent.objects.get(action="contract.set", actor_name="op@pictor.example")
    assert ((event.before or {})["max_n"], (event.after or {})["max_n"]) == (1, 4)


def test_a_rule_of_sizes_is_shown_and_stays(owner):
    bounds = {"step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1}
    rule = {**bounds, "max_pixels": 4_194_304, "max_ratio": 3}
    Contract.objects.filter(pk=LEAST).update(is_enabled=False, size_rule=rule)
    words = "width and height divisible by 16, from 256 to 4096, from 1 to 4194304 pixels"

    seen = typed(owner, LEAST, max_n="4")
    agreed(owner, LEAST, seen)

    assert f"Sizes with {words}, at most 3:1 are taken besides" in text_of(seen)
    assert (stored()["max_n"], stored()["size_rule"]) == (4, rule)
    assert f"any {words}, at most 3:1" in text_of(owner.get(of(LEAST)))


def test_removed_sizes_and_qualities_are_named_with_their_users(owner):
    sold(model=LEAST, images=300, asked="1792x1024", quality="standard", captured_micros=1)
    sold("other", model=LEAST, images=20, asked="1792x1024", quality="hd", captured_micros=1)
    sold("late", model=LEAST, images=9, asked="1792x1024", quality="hd", days_ago=30)
    sold("demo", model=LEAST, images=9, asked="1792x1024", quality="hd", is_demo=True)

    seen = typed(owner, LEAST, size={2: ""}, tier={2: ""}, qualities="standard", quality_aliases="")

    said = text_of(seen)
    assert "No longer to be asked for" in said
    assert "Size 1792x1024: 2 tenants, 320 images in 30 days" in said
    assert "Quality hd: 1 tenant, 20 images in 30 days" in said
    assert "Quality auto : its use is not counted" in said


def test_a_size_that_no_channel_makes_is_said(owner):
    make_channel("one", LEAST)
    Route.objects.update(sizes=["1024x1024"])

    seen = typed(owner, LEAST, is_exact="on")

    said = text_of(seen)
    assert "Channels that cannot ■ one makes no 1024x1792, 1792x1024" in said
    assert "Made by no channel ■ 1024x1792, 1792x1024" in said


def test_a_task_that_a_channel_does_not_do_is_said(owner):
    make_channel("one", MODEL, refused_tasks=["edit", "variation"])
    make_channel("two", MODEL)

    seen = typed(owner, MODEL, tasks=["generate", "edit", "variation"])

    assert "Channels that cannot ■ one does no variation" in text_of(seen)
    assert "two does no" not in text_of(seen)


def test_a_double_click_saves_once_and_says_so_twice(owner):
    said = said_on(typed(owner, LEAST, max_n="4"))

    answers = [owner.post(of(LEAST, "edit"), said) for _ in range(2)]

    assert [answer["Location"] for answer in answers] == [of(LEAST)] * 2
    assert AuditEvent.objects.filter(actor_name="op@pictor.example").count() == 1


def test_another_tab_does_not_write_over_what_somebody_else_saved(owner):
    said = said_on(typed(owner, LEAST, max_n="4"))
    agreed(owner, LEAST, typed(owner, LEAST, max_n="3"))

    answer = owner.post(of(LEAST, "edit"), said)

    assert "Somebody changed it after you opened this page" in text_of(answer)
    assert "Images of a request 3 4" in text_of(answer)
    assert stored()["max_n"] == 3

    agreed(owner, LEAST, answer)

    assert stored()["max_n"] == 4


def test_a_change_is_saved_only_as_shown(owner):
    said = said_on(typed(owner, LEAST, max_n="4"))

    answer = owner.post(of(LEAST, "edit"), said | {"max_n": "5"})

    assert "Images of a request 1 5" in text_of(answer)
    assert stored()["max_n"] == 1


def test_rows_are_added_and_removed_without_saving(owner):
    said = said_on(owner.get(of(LEAST, "edit"))) | {"max_n": "nonsense"}

    more = owner.post(f"{of(LEAST, 'edit')}?row=add", said)
    fewer = owner.post(f"{of(LEAST, 'edit')}?row=0", said)

    assert [row.size for row in more.context["rows"]] == [
        *("1024x1024", "1024x1792", "1792x1024", "", "", ""),
    ]
    assert "autofocus" in more.content.decode()
    assert [row.size for row in fewer.context["rows"]] == ["1024x1792", "1792x1024", "", ""]
    assert (more.status_code, fewer.status_code) == (HTTPStatus.OK, HTTPStatus.OK)
    assert 'value="nonsense"' in fewer.content.decode()
    assert len(stored()["sizes"]) == 3


def test_a_promise_is_put_back_from_its_history(owner):
    agreed(owner, LEAST, typed(owner, LEAST, max_n="4", size={2: ""}, tier={2: ""}))
    event = AuditEvent.objects.get(actor_name="op@pictor.example")

    page = owner.get(f"{of(LEAST, 'edit')}?back={event.pk}")
    seen = owner.post(of(LEAST, "edit"), said_on(page))
    agreed(owner, LEAST, seen)

    assert (stored()["max_n"], len(stored()["sizes"])) == (1, 3)


@pytest.mark.parametrize("back", ["x", "0", "99999999999999999999"])
def test_a_history_that_is_none_begins_with_what_there_is(owner, back):
    page = owner.get(f"{of(LEAST, 'edit')}?back={back}")

    assert page.context["form"]["max_n"].value() == 1


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"size": {0: "big"}}, "size 0", "'big' is not a size such as 1536x1024"),
        ({"size": {0: "1024 x 1024"}}, "size 0", "'1024 x 1024' is not a size"),
        ({"size": {0: "0x5"}}, "size 0", "'0x5' is not a size"),
        ({"size": {3: "1024x1024"}}, "size 3", "1024x1024 is listed twice"),
        ({"tier": {0: "much too long"}}, "tier 0", "'much too long' is not a word of 1 to 8"),
        ({"ratio": {0: "wide"}}, "ratio 0", "'wide' is not a ratio such as 3:2"),
        ({"ratio": {0: "0:1"}}, "ratio 0", "'0:1' is not a ratio"),
        ({"preset": {0: "a b"}}, "preset 0", "'a b' is not a word of 1 to 16 characters"),
        ({"preset": {0: "auto"}}, "preset 0", "auto stands for a size that the upstream chooses"),
        ({"preset": {0: "1:1", 1: "1:1"}}, "preset 1", "1:1 stands for two sizes"),
        ({"preset": {0: "1792x1024"}}, "preset 0", "1792x1024 is another size"),
        ({"preset": {4: "1:1"}}, "size 4", "'' is not a size such as 1536x1024"),
        ({"default_size": "640x480"}, "default_size", "Is not one of the sizes."),
        ({"default_size": "auto"}, "default_size", "Is not one of the sizes."),
        ({"default_size": ""}, "default_size", "This field is required."),
        ({"size": {0: ""}, "tier": {0: ""}}, "default_size", "Is not one of the sizes."),
        ({"qualities": ""}, "qualities", "This field is required."),
        ({"qualities": "standard, standard"}, "qualities", "Name each only once."),
        (
            {"qualities": "standard, hd, gr\u00f6\u00dfte"},
            "qualities",
            "Gr\u00f6\u00dfte is not a word",
        ),
        ({"quality_default": "best"}, "quality_default", "Is not one of the qualities."),
        ({"quality_aliases": "auto"}, "quality_aliases", "Write pairs such as high=hd, not"),
        ({"quality_aliases": "a=hd, a=hd"}, "quality_aliases", "a appears twice."),
        ({"quality_aliases": "a=best"}, "quality_aliases", "Must each map to one of the"),
        ({"quality_aliases": "hd=standard"}, "quality_aliases", "May not be qualities: hd."),
        ({"tasks": None}, "tasks", "Tick at least one."),
        ({"tasks": ["dance"]}, "tasks", "Select a valid choice. dance is not one"),
        ({"max_n": "0"}, "max_n", "Ensure this value is greater than or equal to 1."),
        ({"max_n": "11"}, "max_n", "Must be from 1 to 10."),
        ({"max_n": "many"}, "max_n", "Enter a whole number."),
        ({"max_n": "99999999999"}, "max_n", "Ensure this value is less than or equal to"),
        ({"prompt_max_chars": ""}, "prompt_max_chars", "This field is required."),
        ({"prompt_max_chars": "1000001"}, "prompt_max_chars", "Must be from 1 to 1000000."),
        ({"response_format_default": "x"}, "response_format_default", "Select a valid choice."),
        ({"position": "-1"}, "position", "Ensure this value is greater than or equal to 0."),
        ({"position": "40000"}, "position", "Ensure this value is less than or equal to 32767."),
    ],
    ids=str,
)
def test_each_mistake_is_said_at_its_field(owner, changes, field, words):
    Contract.objects.filter(pk=LEAST).update(is_enabled=False)
    before = stored()

    found = trouble(typed(owner, LEAST, **changes))

    assert set(found) == {field}
    assert "".join(found[field]).startswith(words)
    assert stored() == before


def test_a_new_size_of_a_model_on_offer_needs_its_price_first(owner):
    answer = typed(owner, LEAST, size={3: "2048x2048"}, tier={3: "2K"})

    (words,) = trouble(answer)["__all__"]
    assert words.startswith("Needs a published price first for dall-e-3 2048x2048 standard")


def test_a_model_that_only_has_auto_is_changed(owner):
    name = "gpt-image-2-auto"

    answer = agreed(owner, name, typed(owner, name, prompt_max_chars="9"))

    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert (stored(name)["sizes"], stored(name)["prompt_max_chars"]) == ([], 9)


def test_rows_that_do_not_match_and_null_characters_end_in_words(owner):
    said = said_on(owner.get(of(LEAST, "edit")))
    said["size"] = [*said["size"], "1x1\0"]

    answer = owner.post(of(LEAST, "edit"), said)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_unknown_model_has_no_form(owner):
    assert owner.get("/ops/models/no-such/edit/").status_code == HTTPStatus.NOT_FOUND


def test_the_form_and_its_review_take_few_queries(owner, django_assert_max_num_queries):
    make_channel("one", MODEL)
    said = said_on(owner.get(of(MODEL, "edit")))
    owner.get(of(MODEL))

    with django_assert_max_num_queries(12):
        owner.get(of(MODEL, "edit"))
    with django_assert_max_num_queries(12):
        owner.post(of(MODEL, "edit"), said | {"size": said["size"][1:], "default_size": "auto"})
