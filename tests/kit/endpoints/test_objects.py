"""Answers under /v1: fields drawn of a value, and those left out."""

from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework import serializers

from pictor.kit.endpoints.objects import ApiObject, Constant, Usd


@dataclass(frozen=True)
class Fox:
    name: str | None = "Vix"
    owner: str | None = None
    answer: Any = None


class Den(ApiObject):
    rooms = serializers.IntegerField()
    view = serializers.CharField(required=False)


class FoxObject(ApiObject):
    object = Constant("fox")
    name = serializers.CharField()
    owner = serializers.CharField(required=False)
    price = Usd(source="answer.price")
    dens = Den(source="answer.dens", many=True, required=False)


def test_an_object_is_drawn_from_attributes_and_keys():
    fox = Fox(answer={"price": 52_680, "dens": [{"rooms": 2}, {"rooms": 3, "view": "a lake"}]})

    assert FoxObject.render(fox) == {
        "object": "fox",
        "name": "Vix",
        "price": "0.052680",
        "dens": [{"rooms": 2}, {"rooms": 3, "view": "a lake"}],
    }


def test_a_value_of_none_is_null_or_left_out():
    fox = Fox(name=None, answer={"price": None, "dens": None})

    assert FoxObject.render(fox) == {"object": "fox", "name": None, "price": None}


def test_a_missing_required_value_is_an_error():
    with pytest.raises(KeyError, match="price"):
        FoxObject.render(Fox(answer={}))
