"""What we send to Stripe, and what the sandbox answers, held against the official library.

Parameters are held against its `stripe.params` types, objects against its resource classes, both
as generated for the API version that it pins. Where a type lists the values, others are errors,
though these types also allow any text.
"""

import importlib
import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._object_classes import get_object_class
from stripe._stripe_object import UntypedStripeObject

_UNTYPED = (dict, Any, UntypedStripeObject)
_OF_THE_REQUEST = set(stripe.RequestOptions.__annotations__)


def check_params(declared: Any, params: Mapping[str, Any]) -> None:
    """Fail unless these are parameters of that TypedDict."""
    problems = list(_of_typed_dict(declared, params, declared.__name__))
    assert not problems, "\n".join(problems)


def check_object(cls: type, answer: Mapping[str, Any]) -> None:
    """Fail unless that is an object of that class, with all that it always has."""
    problems = list(_of_class(cls, answer, cls.__name__))
    assert not problems, "\n".join(problems)


def held(answer: Any) -> Any:
    """The library's answer, whose body is an object of its class."""
    body = json.loads(answer.last_response.body)
    check_object(get_object_class("V1", body["object"]), body)
    return answer


def _of_typed_dict(declared: Any, params: Mapping[str, Any], place: str) -> Iterator[str]:
    module = sys.modules[declared.__module__]
    known = {
        name: (annotation, module)
        for base in (*declared.__orig_bases__, declared)
        if base is not stripe.RequestOptions and hasattr(base, "__annotations__")
        for name, annotation in base.__annotations__.items()
    }
    for name, value in params.items():
        if name in known:
            yield from _of(*known[name], value, f"{place}.{name}")
        elif name not in _OF_THE_REQUEST:
            yield f"{place}: no parameter {name}"
    for name in declared.__required_keys__ - set(params) - _OF_THE_REQUEST:
        if "NotRequired" not in str(known[name][0]):
            yield f"{place}: {name} is missing"


def _of_class(cls: type, answer: Mapping[str, Any], place: str) -> Iterator[str]:
    module = sys.modules[cls.__module__]
    known = {
        name: annotation
        for base in reversed(cls.__mro__)
        if base.__module__ == cls.__module__
        for name, annotation in inspect.get_annotations(base).items()
        if "ClassVar" not in str(annotation)
    }
    renamed = getattr(cls, "_python_field_remappings", {})
    for name, value in answer.items():
        if renamed.get(name, name) not in known:
            yield f"{place}: no field {name}"
        else:
            yield from _of(known[renamed.get(name, name)], module, value, f"{place}.{name}")
    if not answer.get("deleted"):
        for name, annotation in known.items():
            if name not in answer and not re.search("Optional|NoneType", str(annotation)):
                yield f"{place}: {name} is missing"


def _of(annotation: Any, module: types.ModuleType, value: Any, place: str) -> Iterator[str]:
    """What is wrong with a value of that annotation: nothing, or where no alternative is right."""
    choices = list(_choices(annotation, module))
    # An empty text among others unsets: it lists no values.
    texts = [choice for choice in choices if choice[0] is Literal and choice[1] != ("",)]
    if texts and isinstance(value, str):  # lists of values are followed by `str`, for the future
        choices = texts
    found: list[str] = []
    for choice in choices:
        problems = list(_of_choice(*choice, value, place))
        if not problems:
            return
        found += problems
    yield from found or [f"{place}: {value!r} is not of {annotation}"]


def _choices(annotation: Any, module: types.ModuleType) -> Iterator[tuple[Any, Any, Any]]:
    """The alternatives of an annotation: what it is, its arguments, its module."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = _named(annotation, module)
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType} or "NotRequired" in str(origin):
        for argument in get_args(annotation):
            yield from _choices(argument, module)
    elif origin is not None and "ExpandableField" not in str(origin):
        yield origin, get_args(annotation), module
    else:
        yield annotation, (), module


def _named(text: str, module: types.ModuleType) -> Any:
    """The type that a text names: of the module, of typing, or what the module imports late."""
    names = {**vars(stripe), **vars(module), "Literal": Literal, "Decimal": Decimal}
    source = module.__loader__.get_source(module.__name__)  # type: ignore[union-attr]
    for found in re.finditer(
        r"^    from (stripe\.\S+) import (?:\(\s*)?(\w+)(?: as (\w+))?", source, re.MULTILINE
    ):
        if re.search(rf"\b{found[3] or found[2]}\b", text):
            names[found[3] or found[2]] = getattr(importlib.import_module(found[1]), found[2])
    quoted = re.sub(r"(Literal\[[^\]]*\])\|", r"\1 | ", text)
    parts = re.split(r"\|(?![^\[]*\])", quoted)
    found_types = [eval(part, names) for part in parts]  # noqa: S307 - the library's own types
    return Union[tuple(found_types)]  # noqa: UP007 - of a number known only now


def _of_choice(kind: Any, arguments: Any, module: Any, value: Any, place: str) -> Iterator[str]:
    if kind is Literal:
        if value not in arguments:
            yield f"{place}: {value!r} is not one of {arguments}"
    elif kind in {list, stripe.ListObject}:
        yield from _of_list(kind, arguments, module, value, place)
    elif isinstance(value, Mapping):
        yield from _of_mapping(kind, value, place)
    elif kind is Decimal:
        if not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
            yield f"{place}: {value!r} is no decimal"
    elif kind not in {Any, type(value)}:
        yield f"{place}: {value!r} is not {kind}"


def _of_list(kind: Any, arguments: Any, module: Any, value: Any, place: str) -> Iterator[str]:
    if kind is stripe.ListObject and isinstance(value, Mapping):
        if set(value) != {"object", "data", "has_more", "url"}:
            yield f"{place}: no list object"
        value = value["data"]
    if not isinstance(value, list | tuple):
        yield f"{place}: {value!r} is no list"
        return
    for index, item in enumerate(value):
        yield from _of(arguments[0], module, item, f"{place}[{index}]")


def _of_mapping(kind: Any, value: Mapping[str, Any], place: str) -> Iterator[str]:
    name = value.get("object")
    if hasattr(kind, "__required_keys__"):
        yield from _of_typed_dict(kind, value, place)
    elif kind in _UNTYPED:
        return
    elif not issubclass(kind, stripe.StripeObject):
        yield f"{place}: {value!r} is not {kind}"
    else:
        named = get_object_class("V1", name) if isinstance(name, str) else kind
        if issubclass(named, kind):
            yield from _of_class(named, value, place)
        else:
            yield f"{place}: {named.__name__} is not {kind.__name__}"
