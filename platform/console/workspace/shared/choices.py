"""A request being prepared: a person's choices, always ones that the model can do. Pure."""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from billing.price_rows import ANY
from generation.catalogue.contracts import AUTO, ContractTerms, SizeOption
from generation.catalogue.parameters import Parameter
from generation.channels.declaration import Task
from generation.channels.size_rules import Size
from pictor.kit.words import typed

PRESELECTED_MODEL = "gpt-image-2"
OWN = "own-"
"""Begins the form's name for a parameter of the contract's own."""
MORE = ("background", "moderation", "output_compression", "partial_images", "strict_size")
"""Further fields of a request, each a text: empty if it is not sent."""
TASKS = {Task.GENERATE: "Generate", Task.EDIT: "Edit", Task.VARIATION: "Vary"}
FRAME = 22
"""The longer side of a ratio's little frame, in pixels."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio to choose, with a frame in proportion and the size it selects."""

    name: str
    size: str
    width: int
    height: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """The form as understood. `size` is 'WxH' or 'auto'; `moved` says that it had to change.

    `own` are the typed texts of the contract's own parameters, `more` those of MORE; `honoured` are
    the fields that the model's channels take.
    """

    contract: ContractTerms
    prompt: str
    size: str
    quality: str
    n: int
    output_format: str
    own: Mapping[str, str]
    moved: bool = False
    task: Task = Task.GENERATE
    more: Mapping[str, str] = field(default_factory=dict)
    honoured: Collection[str] = ()

    @property
    def tasks(self) -> Sequence[tuple[str, str]]:
        """Each task of the model, and its words."""
        return [(task.value, words) for task, words in TASKS.items() if task in self.contract.tasks]

    @property
    def is_too_long(self) -> bool:
        return len(self.prompt) > self.contract.prompt_max_chars

    @property
    def option(self) -> SizeOption | None:
        """The chosen size; None for auto."""
        return self.contract.option(self.size)

    @property
    def tier(self) -> str:
        return self.option.tier if self.option else AUTO

    @property
    def tiers(self) -> Sequence[tuple[str, str]]:
        """Each tier with the size it would select; auto comes last."""
        names = dict.fromkeys(option.tier for option in self.contract.options)
        choices = [(name, str(_nearest(self._in_tier(name), self.option).size)) for name in names]
        choices += [(ANY, self.size)] if self.tier == ANY else []
        return [*choices, *([(AUTO, AUTO)] if self.contract.accepts_auto else [])]

    def sizes_of(self, tier: str) -> Sequence[str]:
        return [AUTO] if tier == AUTO else [str(option.size) for option in self._in_tier(tier)]

    @property
    def ratios(self) -> Sequence[Ratio]:
        """The ratios of the chosen tier, from tall to wide."""
        by_ratio: dict[str, SizeOption] = {}
        for option in self._in_tier(self.tier):
            if option.ratio not in by_ratio or str(option.size) == self.size:
                by_ratio[option.ratio] = option
        tall_first = sorted(
            by_ratio.values(), key=lambda option: option.size.width / option.size.height
        )
        return [self._ratio(option) for option in tall_first]

    @property
    def sizes(self) -> Sequence[SizeOption]:
        """The sizes of the chosen tier and ratio, if there are several."""
        chosen = self.option
        same = [
            option for option in self._in_tier(self.tier) if chosen and option.ratio == chosen.ratio
        ]
        return same if len(same) > 1 else []

    @property
    def counts(self) -> Sequence[int]:
        return range(1, self.contract.max_n + 1)

    @property
    def body(self) -> dict[str, Any]:
        """The body to send, without fields that equal their defaults."""
        body: dict[str, Any] = {
            "model": self.contract.model,
            "prompt": self.prompt,
            "size": self.size,
            "n": self.n,
        }
        if self.task == Task.VARIATION:
            del body["prompt"]
        elif self.quality != self.contract.quality_default:
            body["quality"] = self.quality
        if self.output_format != self.contract.formats[0]:
            body["output_format"] = self.output_format
        body |= self._further
        for one, text in self.parameters:
            if text:
                body[one.name] = one.of_text(text)
        return body

    @property
    def _further(self) -> dict[str, Any]:
        """The fields of MORE with their values."""
        more: dict[str, Any] = {**self.more}
        for name in more.keys() & {"output_compression", "partial_images"}:
            with suppress(ValueError):  # other text is refused in the API's words
                more[name] = typed.number(more[name])
        if "strict_size" in more:
            more["strict_size"] = True
        return {**more, "stream": True} if "partial_images" in more else more

    @property
    def parameters(self) -> Sequence[tuple[Parameter, str]]:
        """The contract's own parameters, each with its text."""
        return [(one, self.own.get(one.name, "")) for one in self.contract.parameters]

    def _in_tier(self, tier: str) -> list[SizeOption]:
        if tier == ANY and self.option:  # of a rule's sizes only the chosen one is shown
            return [self.option]
        return [option for option in self.contract.options if option.tier == tier]

    def _ratio(self, option: SizeOption) -> Ratio:
        longest = max(option.size.width, option.size.height)
        width, height = (
            max(6, FRAME * side // longest) for side in (option.size.width, option.size.height)
        )
        return Ratio(
            option.ratio, str(option.size), width, height, is_chosen=str(option.size) == self.size
        )


def draft_of(
    query: Mapping[str, str],
    contracts: Sequence[ContractTerms],
    honoured: Mapping[str, Collection[str]] | None = None,
) -> RequestDraft:
    """Read the form's words; a value that is not on offer becomes the nearest or usual one.

    The quality defaults to the lowest, so the first price a person sees is small and exact.

    Args:
        query: the values of a form or a query string.
        contracts: the models to choose from, at least one.
        honoured: by model, the fields that its channels take.
    """
    by_name = {contract.model: contract for contract in contracts}
    contract = by_name.get(query.get("model", "")) or by_name.get(PRESELECTED_MODEL, contracts[0])
    size_text = _requested_size(query)
    size, moved = _size(contract, size_text)
    quality = contract.quality(query.get("quality", "")) or contract.qualities[0]
    output_format, task = query.get("output_format", ""), _task(query.get("task", ""), contract)
    takes = (honoured or {}).get(contract.model, ())
    if task == Task.VARIATION:
        takes = [name for name in takes if name in {"output_compression", "strict_size"}]
    return RequestDraft(
        contract=contract,
        prompt=query.get("prompt", "").replace("\r\n", "\n"),
        size=size,
        quality=quality,
        n=_number(query.get("n", ""), contract.max_n),
        output_format=output_format if output_format in contract.formats else contract.formats[0],
        own=_texts(query, contract),
        moved=moved,
        task=task,
        more={name: text for name in MORE if name in takes and (text := query.get(name, ""))},
        honoured=takes,
    )


def _task(word: str, contract: ContractTerms) -> Task:
    """The task of that name, or the model's first one."""
    offered = [task for task in TASKS if task in contract.tasks] or [Task.GENERATE]
    return next((task for task in offered if task == word), offered[0])


def typed_as(value: object) -> str:
    """A parameter's value as a person types it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(query: Mapping[str, str], contract: ContractTerms) -> Mapping[str, str]:
    texts = {one.name: query.get(OWN + one.name, "").strip() for one in contract.parameters}
    return {name: text for name, text in texts.items() if text}


def _number(text: str, most: int) -> int:
    with suppress(ValueError):
        return min(max(typed.number(text), 1), most)
    return 1


def _requested_size(query: Mapping[str, str]) -> str:
    """The chosen size: tier, ratio and pixels each name one, and the one that changed counts.

    `was` is the size that the form was rendered with.
    """
    was = query.get("was", "")
    named = [query[name] for name in ("tier_size", "pixels", "size") if query.get(name)]
    changed = [size for size in named if size != was]
    return changed[0] if was and changed else query.get("size", "")


def _size(contract: ContractTerms, text: str) -> tuple[str, bool]:
    """Return the size, or the nearest one, and whether it had to change."""
    if text == AUTO and contract.accepts_auto:
        return AUTO, False
    option = contract.option(text)
    if option is not None:
        return str(option.size), False
    if not contract.options:
        return contract.default_size, bool(text) and text != contract.default_size
    wanted = _parse_size(text)
    if wanted is None:
        default = contract.option(contract.default_size)
        return (str(default.size) if default else AUTO), False
    return str(_nearest(contract.options, wanted).size), True


def _parse_size(text: str) -> SizeOption | None:
    size = Size.of(text)
    return None if size is None else SizeOption(size, "", size.ratio)


def _nearest(options: Sequence[SizeOption], wanted: SizeOption | None) -> SizeOption:
    """The nearest size by ratio, then by area; a square if none was wanted."""
    ratio = math.log(wanted.size.width / wanted.size.height) if wanted else 0.0
    pixels = wanted.size.pixels if wanted else 0
    return min(
        options,
        key=lambda option: (
            round(abs(math.log(option.size.width / option.size.height) - ratio), 6),
            abs(option.size.pixels - pixels),
        ),
    )
