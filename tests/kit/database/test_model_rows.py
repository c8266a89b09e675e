"""Rows of models by prepared statements: as the ORM writes and reads them."""

from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model

from generation.models import Attempt, Generation, State
from pictor.kit.database import model_rows, prepared
from pictor.kit.words import ids
from tests.making.factories import PayingCustomer, make_channel
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db


@pytest.fixture
def generation():
    sow()
    make_channel()
    return PayingCustomer("acme").generation(user="order-7", quality="low")


def columns(row: Model) -> dict[str, Any]:
    """The row's columns, as Django compares them."""
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def changed(model: type[Model], **said: Any) -> bool:
    return prepared.fetch_one(*model_rows.update_part(model, **said)) is not None


def read(generation_id: UUID) -> Generation:
    its = model_rows.columns(Generation, "g")
    text = f"SELECT {its} FROM generation_generation g WHERE id = %s"  # noqa: S608 - our columns
    values = prepared.fetch_one(text, [generation_id])
    assert values is not None
    return model_rows.read(Generation, values)


def test_a_row_is_read_as_a_query_brings_it(generation):
    generation.answer = {"data": ["\u00e9", None, 1.5]}
    generation.body_digest = b"\x00\xff" * 16
    generation.save()

    found = read(generation.id)

    kept = Generation.objects.get(id=generation.id)
    assert columns(found) == columns(kept)
    assert found.fields == {"user": "order-7"}
    found.save(update_fields=["size"])  # it is known to exist


def test_a_row_is_written_as_save_does(generation):
    kept = columns(generation)
    Attempt.objects.all().delete()
    Generation.objects.all().delete()

    row = Generation(**kept)
    model_rows.insert(row)

    assert columns(Generation.objects.get()) == kept
    row.prompt = "a fox at dawn"
    row.save()
    assert Generation.objects.get().prompt == "a fox at dawn"


def test_database_defaults_are_left_to_the_database(generation):
    channel = make_channel("two")
    attempt = Attempt(
        generation=generation, dispatch=1, number=1, channel=channel, upstream_model="fox-1"
    )

    model_rows.insert(attempt)

    assert Attempt.objects.get().started_at is not None
    attempt.number = 2
    with pytest.raises(IntegrityError, match="generation_attempt_pkey"), transaction.atomic():
        model_rows.insert(attempt)


def test_a_row_is_changed_where_it_is_as_expected(generation):
    where = {"id": generation.id, "state": State.QUEUED, "finished_at": None}

    is_changed = changed(Generation, where=where, dispatch=3, answer={"a": [1]}, channel_id=None)
    is_changed_again = changed(Generation, where={**where, "dispatch": 0}, dispatch=4)

    assert (is_changed, is_changed_again) == (True, False)
    kept = Generation.objects.get()
    assert (kept.dispatch, kept.answer) == (3, {"a": [1]})


def test_values_are_written_as_their_fields_have_them(generation):
    where = {"id": str(generation.id), "n": True}  # of other types than the columns

    is_changed = changed(
        Generation, where=where, answer="a string", error=None, state=State.RUNNING, dispatch="3"
    )

    kept = Generation.objects.get()
    assert is_changed
    assert (kept.answer, kept.error, kept.state, kept.dispatch) == ("a string", None, "running", 3)


def test_nothing_is_written_to_a_row_that_is_not_there(generation):
    assert not changed(Generation, where={"id": ids.new_uuid()}, dispatch=3)
    assert Generation.objects.get().dispatch == 0


def test_integers_large_and_small_go_by_one_statement(generation):
    where = {"id": generation.id}
    changed(Generation, where=where, held_micros=1)
    before = prepared.fetch_one("SELECT count(*) FROM pg_prepared_statements", [])

    changed(Generation, where=where, held_micros=5_000_000_000)

    after = prepared.fetch_one("SELECT count(*) FROM pg_prepared_statements", [])
    assert after == before
    assert Generation.objects.get().held_micros == 5_000_000_000
