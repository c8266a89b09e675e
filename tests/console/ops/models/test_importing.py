"""A model imported from its file: by an operator and by a program."""

from io import StringIO

from django.core.management import call_command

from accounts.models import User
from generation.catalogue.services import shipped_files
from generation.models import Contract
from tests.console.ops.acting import act_page, do
from tests.console.ops.channel_pages import text_of
from tests.console.ops.models.model_pages import LEAST, LIST, of, sold
from tests.console.ops.programs import Program, new_key, refusal

FOX = shipped_files()[LEAST].replace('"dall-e-3"', '"fox-1"')


def test_what_a_file_would_change_is_shown_and_then_written(owner):
    shown = text_of(owner.post(act_page("model.import"), {"file": FOX}))
    done = do(owner, "model.import", file=FOX, follow=True)

    assert "default size 1024x1024" in shown
    assert "1024x1024 hd $0.08" in shown
    assert "It is created switched off" in shown
    assert "fox-1 is written, its prices are in the draft list:2" in text_of(done)
    assert done.redirect_chain[-1][0].startswith("/ops/prices/")
    page = text_of(owner.get(of("fox-1")))
    assert "Its prices are in a draft, to be published: list:2" in page
    assert "One detailed image from a long prompt." in page
    assert Contract.objects.get(pk="fox-1").is_enabled is False


def test_people_read_twelve_sizes_and_programs_all(owner, sown):
    more = "".join(f'  {{ size = "{side}x{side}", tier = "1K" }},\n' for side in range(101, 112))
    large = FOX.split("[prices]")[0].replace("list = [\n", f"list = [\n{more}", 1)
    ann = User.objects.create_user("ann@pictor.example", name="Ann", staff_role="owner")
    program = Program(new_key(ann, permissions=["see", "channels"], acts=["model.import"]))

    shown = text_of(owner.post(act_page("model.import"), {"file": large}))
    out = StringIO()
    call_command("do", "model.import", "--file", large, "--yes", stdout=out)
    changes = program.preview("model.import", "", file=large.replace("fox-1", "fox-2")).json()

    assert "size 111x111 1K size 1024x1024 base and 2 more It is created" in shown
    assert "size 111x111: 1K\nsize 1024x1024: base\nand 2 more\nIt is created" in out.getvalue()
    assert len([one for one in changes["changes"] if one["of"].startswith("size 1")]) == 14


def test_a_file_is_given_or_chosen(owner):
    for typed in ({}, {"file": FOX, "shipped": LEAST}):
        refused = owner.post(act_page("model.import"), typed)
        assert refused.status_code == 422
        assert "Choose a model, or give a file: one of the two." in text_of(refused)
    again = do(owner, "model.import", shipped=LEAST, follow=True)
    assert "dall-e-3 is as its file says" in text_of(again)


def test_a_files_name_is_no_file(owner):
    refused = owner.post(act_page("model.import"), {"file": "models/fox-1.toml"})

    assert refused.status_code == 422
    assert "models/fox-1.toml is a name, no file: at the shell, @models/fox-1.toml" in text_of(
        refused
    )


def test_a_bad_file_names_each_key(owner):
    bad = FOX.replace("4000", "0").replace('default_size = "1024x1024"', 'default_size = "9x9"')

    refused = text_of(owner.post(act_page("model.import"), {"file": bad}))
    unread = text_of(owner.post(act_page("model.import"), {"file": FOX + "x"}))

    assert "default_size: is not one of the sizes" in refused
    assert "prompt_max_chars: must be from 1 to 1000000" in refused
    assert "It is no TOML" in unread
    assert not Contract.objects.filter(pk="fox-1").exists()


def test_who_uses_what_goes_is_named_first(owner):
    sold(model=LEAST, images=320, captured_micros=1, asked="1024x1792", quality="hd")
    narrower = "".join(
        line for line in shipped_files()[LEAST].splitlines(keepends=True) if "1024x1792" not in line
    )

    shown = text_of(owner.post(act_page("model.import"), {"file": narrower}))

    assert "size 1024x1792 goes, and is in use." in shown


def test_a_file_is_downloaded_and_goes_round(owner):
    answer = owner.get("/ops/models/dall-e-3/file.toml")

    assert answer["Content-Disposition"] == 'attachment; filename="dall-e-3.toml"'
    assert answer.content.decode() == shipped_files()[LEAST]
    assert 'href="/ops/do/model.import/"' in owner.get(LIST).content.decode()


def test_a_program_reads_and_imports_a_file(db, sown):
    ann = User.objects.create_user("ann@pictor.example", name="Ann", staff_role="owner")
    program = Program(new_key(ann, permissions=["see", "channels"], acts=["model.import"]))

    cheap = refusal(program.do("model.import", "", file=FOX))
    program = Program(new_key(ann, permissions=["see", "channels", "money"], acts=["model.import"]))
    shown = program.preview("model.import", "", file=FOX).json()
    wrong = refusal(program.preview("model.import", "", file='model = "fox-1'))
    done = program.do("model.import", "", file=FOX)

    assert "Its prices change: somebody of finance, or an owner, imports it." in cheap[1]
    assert {"of": "default size", "before": "", "after": "1024x1024"} in shown["changes"]
    assert (wrong[0], "it is no TOML: Unterminated string" in wrong[1]) == (400, True)
    assert done.json()["facts"] == {"model": "fox-1", "draft": "list:2"}
    assert program.get("models/fox-1/file").json()["file"].startswith('model = "fox-1"')
    assert refusal(program.get("models/fox-2/file")) == (404, "There is no model 'fox-2'.")
    blind = Program(new_key(ann, permissions=["money"]))
    assert refusal(blind.get("models/fox-1/file"))[0] == 403


def test_a_price_by_pixels_is_one_of_each_size(owner):
    do(owner, "model.import", shipped="flux-2-pro")
    unpriced = text_of(owner.get(of("flux-2-pro")))

    do(owner, "price_book.publish", "list:2")

    priced = text_of(owner.get(of("flux-2-pro")))
    assert "22 of 22 cells have no price." in unpriced
    assert "cells have no price" not in priced
    assert "1 of 1" in priced
