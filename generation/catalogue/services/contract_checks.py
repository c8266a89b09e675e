"""Checks of a contract: a process must be able to load it, and callers are promised it.

Each fault names its place: for a size, the row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError

from billing.pixel_prices import MAX_PIXELS
from billing.price_rows import ANY, PriceKey, price_words
from billing.selectors import without_price
from billing.token_formula import GPT_IMAGE_2
from generation.catalogue.contracts import AUTO, ContractTerms, contract_from
from generation.catalogue.parameters import MAX_PARAMETERS, faults_of
from generation.channels.declaration import MAX_IMAGES, OUTPUT_FORMATS, Task
from generation.channels.size_rules import Size, SizeRule
from generation.models import Contract
from pictor.kit.words import clock

RESPONSE_FORMATS = ("url", "b64_json")
MAX_TIER, MAX_WORD = 8, 16
"""Characters of a tier, and of another word stored with a generation."""
MAX_N = 10
MAX_PROMPT_CHARS = 1_000_000
_MOST_OF_RULE: Mapping[str, int] = {
    "step": 1024,
    "min_side": 99_999,
    "max_side": 99_999,
    "min_pixels": MAX_PIXELS,
    "max_pixels": MAX_PIXELS,
    "max_ratio": 100,
}
"""The keys of a size rule, each with its largest value; the smallest is 1."""
_RESERVED = (
    ("tier", ANY, "the sizes of a rule"),
    ("preset", AUTO, "a size that the upstream chooses"),
)
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
    keys = [*contract.price_keys, *_largest_keys(contract)]
    if contract.is_enabled and (missing := without_price(keys, clock.now())):
        refused["is_enabled"] = f"needs a published price first for {price_words(missing)}"
    if not contract.is_enabled and (ending := to_be_followed_by(contract.model)):
        refused["is_enabled"] = f"is to follow {', '.join(ending)}: name another successor first"
    if refused:
        raise ValidationError(refused)


def _largest_keys(contract: ContractTerms) -> list[PriceKey]:
    """The cells of the largest size by the rule: steps of the price `any` must reach it."""
    if contract.size_rule is None:
        return []
    largest = str(contract.size_rule.largest)
    return [(model, largest, word) for model, size, word in contract.price_keys if size == ANY]


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
    if wrong := [*_rule_faults(columns["size_rule"])]:
        raise ValidationError({"size_rule": wrong})
    if unknown := [word for word in columns["tasks"] if word not in {*Task}]:
        raise ValidationError({"tasks": f"there is no task {', '.join(map(str, unknown))}"})
    if wrong := [*_parameter_faults(columns["parameters"])]:
        raise ValidationError({"parameters": wrong})
    aliases = columns["quality_aliases"]
    if not isinstance(aliases, Mapping) or not all(
        isinstance(word, str) for pair in aliases.items() for word in pair
    ):
        raise ValidationError({"quality_aliases": "must map words to qualities"})
    return contract_from(columns)


def _rule_faults(rule: object) -> Iterator[str]:
    if rule is None:
        return
    if not isinstance(rule, Mapping) or rule.keys() != _MOST_OF_RULE.keys():
        yield f"has the keys {', '.join(_MOST_OF_RULE)}"
        return
    wrong = [name for name, most in _MOST_OF_RULE.items() if not _is_bound(rule, name, most)]
    yield from (f"{name} must be a number from 1 to {_MOST_OF_RULE[name]}" for name in wrong)
    pairs = [] if wrong else [("min_side", "max_side"), ("min_pixels", "max_pixels")]
    crossed = [f"{least} is above {most}" for least, most in pairs if rule[least] > rule[most]]
    yield from crossed
    if not wrong and not crossed and SizeRule(**rule).largest is None:
        yield "allows no size"


def _is_bound(rule: Mapping[str, Any], name: str, most: int) -> bool:
    """True if it is a number in its bounds; only a ratio may have decimals."""
    kinds = {int, float} if name == "max_ratio" else {int}
    return type(rule[name]) in kinds and 1 <= rule[name] <= most


def _parameter_faults(rows: object) -> Iterator[str]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        yield "are tables with a name each"
        return
    names = [row.get("name") for row in rows]
    if len(names) > MAX_PARAMETERS:
        yield f"are more than {MAX_PARAMETERS}"
    if twice := [name for name in dict.fromkeys(map(str, names)) if names.count(name) > 1]:
        yield f"{twice[0]} is listed twice"
    yield from (f"{row.get('name')} {words}" for row in rows for words in faults_of(row))


def _faults(contract: ContractTerms) -> Iterator[tuple[str, str]]:
    """Yield faults by column; with several in one column the first wins."""
    aliases, qualities = contract.quality_aliases, contract.qualities
    shadowed = [word for word in aliases if word in qualities]
    odd, odd_aliases = ([w for w in words if not _is_word(w)] for words in (qualities, aliases))
    known = (
        ("sizes", not contract.priced_sizes, "name at least one, or let the upstream choose"),
        (
            "default_size",
            contract.default_size not in contract.size_names
            and contract.option(contract.default_size) is None,
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
    yield from _wrong_words(contract)
    yield from ((name, words) for name, is_wrong, words in reversed(known) if is_wrong)


def _wrong_words(contract: ContractTerms) -> Iterator[tuple[str, str]]:
    for name in ("maker", "about", "source"):
        if not getattr(contract, name).isprintable():
            yield name, "has characters that cannot be shown"
    if contract.takes_ratio and not contract.options:
        yield "takes_ratio", "needs sizes to choose from"
    if contract.token_rule not in {"", GPT_IMAGE_2}:
        yield "token_rule", f"there is only {GPT_IMAGE_2}"
    if contract.most_references is not None and not 0 <= contract.most_references <= MAX_IMAGES:
        yield "most_references", f"must be from 0 to {MAX_IMAGES}"
    if contract.most_references == 0 and {*contract.tasks} - {Task.GENERATE}:
        yield "most_references", "cannot be 0 with the tasks edit and variation"
    if not {*contract.formats} <= {*OUTPUT_FORMATS}:
        yield "formats", f"must be of {', '.join(OUTPUT_FORMATS)}"


def _faults_alone(sizes: Sequence[Mapping[str, Any]]) -> Iterator[SizeFault]:
    """Yield faults of single rows."""
    for place, row in enumerate(sizes):
        size, tier, ratio, preset = (row.get(name) for name in ("size", "tier", "ratio", "preset"))
        if not isinstance(size, str) or Size.of(size) is None:
            yield SizeFault(place, "size", f"{size!r} is not a size such as 1536x1024")
        if tier is not None and not (_is_word(tier) and len(tier) <= MAX_TIER):
            yield SizeFault(place, "tier", f"{tier!r} is not a word of 1 to {MAX_TIER} characters")
        if ratio is not None and not (isinstance(ratio, str) and _RATIO.fullmatch(ratio)):
            yield SizeFault(place, "ratio", f"{ratio!r} is not a ratio such as 3:2")
        if preset is not None and not _is_word(preset):
            words = f"{preset!r} is not a word of 1 to {MAX_WORD} characters"
            yield SizeFault(place, "preset", words)
        for name, word, words in _RESERVED:
            if row.get(name) == word:
                yield SizeFault(place, name, f"{word} stands for {words}")


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


def _no_words(words: Sequence[str]) -> str:
    return f"{', '.join(words)} is not a word of 1 to {MAX_WORD} characters"


def _is_word(text: object) -> bool:
    """True if it is a valid word to request and to store with a generation."""
    return isinstance(text, str) and len(text) <= MAX_WORD and bool(_WORD.fullmatch(text))
