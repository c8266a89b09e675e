"""Checks of a contract: a process must be able to load it, and callers are promised it.

Each fault names its place: for a size, the row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from billing.pricing import price_words
from billing.selectors import without_price
from generation.catalogue.contracts import AUTO, ContractTerms, Size, contract_from
from generation.channels.declaration import Task
from generation.models import Contract
from pictor.kit.words import clock

RESPONSE_FORMATS = ("url", "b64_json")
MAX_TIER, MAX_WORD = 8, 16
"""Characters of a tier, and of another word stored with a generation."""
MAX_N = 10
MAX_PROMPT_CHARS = 1_000_000
_RATIO = re.compile(r"[1-9]\d{0,4}:[1-9]\d{0,4}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:()-]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", re.ASCII)


class SizeFault(NamedTuple):
    """A fault in a row of sizes: its place, the field at fault, and the reason."""

    place: int
    name: str
    words: str


def check_name(model: str) -> None:
    """Raise ValidationError if the text cannot be a new model's public name."""
    if not _NAME.fullmatch(model):
        raise ValidationError(
            {
                "model": "a name has 1 to 60 letters, digits, dots, hyphens and underscores, and"
                " begins with a letter or digit"
            }
        )


def size_faults(sizes: Sequence[Mapping[str, Any]]) -> list[SizeFault]:
    """Faults of these rows, each {"size", "tier", "ratio" or "preset"}."""
    return [*_faults_alone(sizes), *_faults_together(sizes)]


def check_contract(columns: Mapping[str, Any]) -> None:
    """Refuse a contract that could not be loaded, is inconsistent, or lacks a price.

    Also refuse to switch off the successor of a model that ends. Takes all columns. Raises
    ValidationError by column.
    """
    contract = _read(columns)
    refused = dict(_faults(contract))
    if contract.is_enabled and (missing := without_price(contract.price_keys, clock.now())):
        refused["is_enabled"] = f"needs a published price first for {price_words(missing)}"
    if not contract.is_enabled and (ending := to_be_followed_by(contract.model)):
        refused["is_enabled"] = f"is to follow {', '.join(ending)}: name another successor first"
    if refused:
        raise ValidationError(refused)


def to_be_followed_by(model: str) -> list[str]:
    """Models with an announced end whose successor this is."""
    ending = Contract.objects.filter(successor=model, sunset_at__gt=clock.now())
    return list(ending.values_list("model", flat=True))


def _read(columns: Mapping[str, Any]) -> ContractTerms:
    """The contract as a process would load it. Raises ValidationError if it could not."""
    sizes = columns["sizes"]
    if not isinstance(sizes, list | tuple) or not all(isinstance(row, Mapping) for row in sizes):
        raise ValidationError({"sizes": "are rows with a size each"})
    if faults := size_faults(sizes):
        messages = [f"row {fault.place + 1}: {fault.words}" for fault in faults]
        raise ValidationError({"sizes": messages})
    if unknown := [word for word in columns["tasks"] if word not in {*Task}]:
        raise ValidationError({"tasks": f"there is no task {', '.join(map(str, unknown))}"})
    aliases = columns["quality_aliases"]
    if not isinstance(aliases, Mapping) or not all(
        isinstance(word, str) for pair in aliases.items() for word in pair
    ):
        raise ValidationError({"quality_aliases": "must map words to qualities"})
    return contract_from(columns)


def _faults(contract: ContractTerms) -> Iterator[tuple[str, str]]:
    """Yield faults by column; with several in one column the first wins."""
    aliases, qualities = contract.quality_aliases, contract.qualities
    shadowed = [word for word in aliases if word in qualities]
    odd, odd_aliases = ([w for w in words if not _is_word(w)] for words in (qualities, aliases))
    known = (
        ("sizes", not contract.size_names, "name at least one, or let the upstream choose"),
        (
            "default_size",
            contract.default_size not in contract.size_names,
            "is not one of the sizes",
        ),
        ("qualities", bool(odd), _no_words(odd)),
        ("qualities", len(set(qualities)) < len(qualities), "name each only once"),
        ("qualities", not {*qualities} - {AUTO}, f"need one besides {AUTO}, which has no price"),
        (
            "quality_default",
            contract.quality_default not in qualities,
            "is not one of the qualities",
        ),
        (
            "quality_aliases",
            not set(aliases.values()) <= set(qualities),
            "must each map to one of the qualities",
        ),
        ("quality_aliases", bool(odd_aliases), _no_words(odd_aliases)),
        ("quality_aliases", bool(shadowed), f"may not be qualities: {', '.join(shadowed)}"),
        ("tasks", not contract.tasks, "name at least one"),
        ("max_n", not 1 <= contract.max_n <= MAX_N, f"must be from 1 to {MAX_N}"),
        (
            "prompt_max_chars",
            not 1 <= contract.prompt_max_chars <= MAX_PROMPT_CHARS,
            f"must be from 1 to {MAX_PROMPT_CHARS}",
        ),
        (
            "response_format_default",
            contract.response_format_default not in RESPONSE_FORMATS,
            f"must be {' or '.join(RESPONSE_FORMATS)}",
        ),
    )
    yield from ((name, words) for name, is_wrong, words in reversed(known) if is_wrong)


def _faults_alone(sizes: Sequence[Mapping[str, Any]]) -> Iterator[SizeFault]:
    """Yield faults of single rows."""
    for place, row in enumerate(sizes):
        size, tier, ratio, preset = (row.get(name) for name in ("size", "tier", "ratio", "preset"))
        if not isinstance(size, str) or not _is_size(size):
            yield SizeFault(place, "size", f"{size!r} is not a size such as 1536x1024")
        if tier is not None and not (_is_word(tier) and len(tier) <= MAX_TIER):
            yield SizeFault(place, "tier", f"{tier!r} is not a word of 1 to {MAX_TIER} characters")
        if ratio is not None and not (isinstance(ratio, str) and _RATIO.fullmatch(ratio)):
            yield SizeFault(place, "ratio", f"{ratio!r} is not a ratio such as 3:2")
        if preset is not None and not _is_word(preset):
            words = f"{preset!r} is not a word of 1 to {MAX_WORD} characters"
            yield SizeFault(place, "preset", words)
        elif preset == AUTO:
            yield SizeFault(place, "preset", f"{AUTO} stands for a size that the upstream chooses")


def _faults_together(sizes: Sequence[Mapping[str, Any]]) -> Iterator[SizeFault]:
    """Yield faults of words that stand for two sizes; what is no text is a fault of its row."""
    texts = [{name: word for name, word in row.items() if isinstance(word, str)} for row in sizes]
    pixels = {row.get("size") for row in texts}
    seen_sizes, seen_presets = set[str](), set[str]()
    for place, row in enumerate(texts):
        size, preset = row.get("size"), row.get("preset")
        if size in seen_sizes:
            yield SizeFault(place, "size", f"{size} is listed twice")
        if size is not None:
            seen_sizes.add(size)
        if preset is None:
            continue
        if preset in seen_presets:
            yield SizeFault(place, "preset", f"{preset} stands for two sizes")
        seen_presets.add(preset)
        if preset != size and preset in pixels:
            yield SizeFault(place, "preset", f"{preset} is another size")


def _is_size(text: str) -> bool:
    try:
        Size.parse(text)
    except ValueError:
        return False
    return True


def _no_words(words: Sequence[str]) -> str:
    return f"{', '.join(words)} is not a word of 1 to {MAX_WORD} characters"


def _is_word(text: object) -> bool:
    """True if it is a valid word to request and to store with a generation."""
    return isinstance(text, str) and len(text) <= MAX_WORD and bool(_WORD.fullmatch(text))
