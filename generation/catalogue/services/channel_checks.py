"""Checks of the columns of a channel and its routes.

A process loads all of the configuration or nothing: one unreadable row would keep every process
from the new one, so values that could not be loaded are refused here.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError

from generation.catalogue.contracts import AUTO
from generation.catalogue.services.addresses import checked_base_url
from generation.catalogue.services.options import ALL, ChannelOptions, RouteTerms
from generation.channels.declaration import REFUSABLE, STREAM_FIELDS
from generation.channels.errors import AttemptClass
from generation.channels.registry import KINDS, kind_of
from generation.channels.size_rules import Size
from generation.models import Contract, Serves

LARGEST = 2**31 - 1
LARGEST_COST = 2**63 - 1
MAX_UPSTREAM_MODEL_CHARS = 128
STATUS = re.compile("[1-5][0-9]{2}")


def check_channel(options: ChannelOptions, *, kind: str) -> dict[str, Any]:
    """The given columns in stored form, except for the API key, which stays in clear text.

    Args:
        options: the changes.
        kind: the channel's, if the options name none.
    """
    is_other = "kind" in options and options["kind"] != kind
    kind = options.get("kind", kind)
    of_kind: dict[str, Callable[[Any], Any]] = {
        "api_key": partial(_api_key, kind=kind),
        "settings": partial(_settings, kind=kind),
    }
    none: ChannelOptions = {"settings": None} if is_other else {}
    return _check({**none, **options}, {**_CHANNEL, **of_kind})


def check_route(terms: RouteTerms, *, qualities: Collection[str], kind: str = "") -> RouteTerms:
    """The terms in stored form; `qualities` are the model's words.

    Without the kind of its channel, the field map is not checked.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        **_ROUTE,
        "quality_map": partial(_quality_map, model=terms.model, known=qualities),
        "field_map": partial(_field_map, model=terms.model, kind=kind),
    }
    return RouteTerms(model=terms.model, **_check(asdict(terms), checks))


def _check(values: Mapping[str, Any], checks: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    refused: dict[str, ValidationError] = {}
    for column, check in checks.items():
        if column in values:
            try:
                columns[column] = check(values[column])
            except ValidationError as error:
                refused[column] = error
            except ValueError as error:  # in a rule's words for people
                refused[column] = ValidationError(str(error))
    if refused:
        raise ValidationError(refused)
    return columns


def _kind(name: str) -> str:
    return kind_of(name).name


def _api_key(text: str, *, kind: str) -> str:
    # The check of the kind refuses an unknown one.
    return KINDS[kind].credential.checked(text) if kind in KINDS else text


def _settings(given: Any, *, kind: str) -> dict[str, str] | None:
    words = _words(given)
    return dict(KINDS[kind].checked_settings(words) if kind in KINDS else words) or None


def _number(value: int | None, *, what: str, least: int, most: int = LARGEST) -> int | None:
    if value is not None and not least <= value <= most:
        raise ValidationError(f"the {what} must be from {least} to {most}")
    return value


def _images(number: int | None) -> int | None:
    """At most as many as any kind takes; a channel's own kind narrows them further."""
    most = max(kind.abilities.max_images for kind in KINDS.values())
    return _number(number, what="number of images", least=1, most=most)


def _sizes(sizes: Iterable[str] | None) -> list[str] | None:
    """The sizes in stored form; None for every size."""
    wanted = [ALL] if sizes is None else list(dict.fromkeys(sizes))
    if wanted == [ALL]:
        return None
    for size in wanted:
        if size != AUTO and Size.of(size) is None:
            raise ValidationError(f"{size!r} is neither WIDTHxHEIGHT nor auto")
    if not wanted:
        raise ValidationError("name at least one size, or 'all'")
    return wanted


def narrowable() -> tuple[str, ...]:
    """The fields a channel may ignore: those of some kind, of some contract, and of a stream."""
    honoured = {name for kind in KINDS.values() for name in kind.abilities.fields}
    rows = Contract.objects.values_list("parameters", flat=True)
    honoured |= {parameter["name"] for parameters in rows for parameter in parameters}
    return (*sorted(honoured), *STREAM_FIELDS)


def _ignored(names: Collection[str]) -> list[str]:
    return _among(narrowable(), "field that a channel can ignore", names)


def _among(known: Collection[str], what: str, names: Collection[str]) -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValidationError(f"no {what}: {', '.join(unknown)}; available: {', '.join(known)}")
    return list(dict.fromkeys(names))


def _words(words: Any) -> dict[str, str]:
    """Check a JSON object of strings; {} if there is nothing."""
    if not words:
        return {}
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ValidationError('must be a JSON object of strings, such as {"high": "hd"}')
    return words


def _quality_map(words: Any, *, model: str, known: Collection[str]) -> dict[str, str]:
    mapped = _words(words)
    unknown = [word for word in mapped if word not in known]
    if unknown:
        there_are = ", ".join(known)
        raise ValidationError(
            f"{model} has no quality {', '.join(unknown)}; available: {there_are}"
        )
    return mapped


def _field_map(typed: Any, *, model: str, kind: str) -> dict[str, Any] | None:
    if not typed or kind not in KINDS:
        return typed or None
    try:
        return KINDS[kind].checked_map(typed)
    except ValueError as error:
        raise ValidationError(f"the field map of {model}: {error}") from None


_ENDS = frozenset(AttemptClass) - {AttemptClass.DELIVERED}


def _class_overrides(overrides: Any) -> dict[str, str]:
    """Check a mapping of HTTP statuses to attempt classes."""
    words = _words(overrides)
    for status, name in words.items():
        if not STATUS.fullmatch(status) or name not in _ENDS:
            raise ValidationError(f"{status!r}: {name!r} is not an HTTP status and a class")
    return words


def _upstream_model(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= MAX_UPSTREAM_MODEL_CHARS or not name.isprintable():
        raise ValidationError(
            f"a vendor's model name must have 1 to {MAX_UPSTREAM_MODEL_CHARS} characters"
        )
    return name


def _serves(word: str) -> str:
    if word not in Serves.values:
        raise ValidationError(f"a channel serves {', '.join(Serves.values)}, not {word!r}")
    return word


def _as_it_is(value: Any) -> Any:
    return value


_CHANNEL: Mapping[str, Callable[[Any], Any]] = {
    "kind": _kind,
    "base_url": checked_base_url,
    "is_enabled": _as_it_is,
    "serves": _serves,
    "priority": partial(_number, what="priority", least=0),
    "weight": partial(_number, what="weight", least=1),
    "timeout_seconds": partial(_number, what="timeout", least=1),
    "queue_seconds": partial(_number, what="time in a vendor's queue", least=1),
    "max_concurrency": partial(_number, what="number of calls at once", least=1),
    "sizes": _sizes,
    "ignored_fields": _ignored,
    "refused_tasks": partial(_among, REFUSABLE, "task that a channel can refuse"),
    "max_images": _images,
    "allows_exact_crop": _as_it_is,
    "allows_redispatch": _as_it_is,
    "retry_is_free": _as_it_is,
    "keeps_credentials": _as_it_is,
    "class_overrides": _class_overrides,
}
_ROUTE: Mapping[str, Callable[[Any], Any]] = {
    "upstream_model": _upstream_model,
    "sizes": _sizes,
    "cost_micros": partial(_number, what="cost", least=0, most=LARGEST_COST),
}
