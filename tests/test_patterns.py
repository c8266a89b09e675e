"""Every regular expression is linear: no text from outside keeps a process busy.

Found in the source by their calls of `re`, taken from the imported modules, and tried by the calls
that the code makes, on 32,000 characters of what `tests/making/pattern_texts.py` makes. CPU time is
measured, so that it does not matter what else runs on the machine.
"""

import ast
import importlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.making.pattern_texts import Texts

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("accounts", "billing", "generation", "platform", "storage", "webhooks")
CHARACTERS, FEW_CHARACTERS = 32_000, 4_000
MOST_SECONDS = 0.1
FEW_SECONDS = MOST_SECONDS / 200
"""What is above 0.1 s for 32,000 characters is above this for 4,000, even if time is a square."""
CALLS: Mapping[str, Callable[["re.Pattern[Any]", Any], object]] = {
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "search": lambda pattern, text: pattern.search(text),
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "subn": lambda pattern, text: pattern.subn(text[:0], text),
    "split": lambda pattern, text: pattern.split(text),
    "findall": lambda pattern, text: pattern.findall(text),
    "finditer": lambda pattern, text: deque(pattern.finditer(text), maxlen=0),
}
OTHER_WAYS = {"re_path", "RegexField", "RegexValidator", "SlugField", "regex", "iregex"}
"""Ways to a pattern on which this test would not come."""
MADE_AS_NEEDED = {
    ("generation/background/refusals.py", "sub"): r"(?<!\w)a\.\[b(?!\w)",
    ("generation/channels/json_body.py", "split"): '("input:0:00ff"|"input:1:00ff")',
    ("platform/pictor/kit/database/errors.py", "split"): r"a\ b\n[ |]*a\ b\n[ |]*a",
}
"""What stands for a pattern that a function makes of escaped text, by module and call."""


@dataclass(frozen=True)
class Module:
    """A module that names `re` or a pattern, as source and as it is imported."""

    path: str
    tree: ast.Module

    @property
    def names(self) -> Mapping[str, Any]:
        parts = Path(self.path).with_suffix("").parts
        return vars(importlib.import_module(".".join(parts[parts[0] == "platform" :])))

    def calls(self) -> Iterator[tuple[str, str, ast.Call]]:
        """Calls on a plain name: the name, the method and the call."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
                    yield name, method, node


def modules() -> Iterator[Module]:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    for path in paths:
        if "migrations" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield Module(path.relative_to(ROOT).as_posix(), tree)


MODULES = list(modules())


def patterns_in(value: object) -> Iterator["re.Pattern[Any]"]:
    """The patterns to which a module's name leads."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for one in value:
            yield from patterns_in(one)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from patterns_in([getattr(value, field.name) for field in fields(value)])


def compiled(module: Module) -> list[tuple[str, "re.Pattern[Any]"]]:
    """The names and patterns that a module compiles."""
    number = sum((name, method) == ("re", "compile") for name, method, _ in module.calls())
    imports = [node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom)]
    theirs = {alias.asname or alias.name for node in imports for alias in node.names}
    own = {name: value for name, value in module.names.items() if name not in theirs}
    lent = {id(one) for name in theirs for one in patterns_in(module.names.get(name))}
    every = [(name, one) for name, value in own.items() for one in patterns_in(value)]
    found = [(name, one) for name, one in every if id(one) not in lent]
    assert len(found) == number, f"{module.path}: a pattern that no name of the module leads to"
    return found


def called_by_name() -> Mapping[int, set[str]]:
    """The methods that are called on a module's patterns, by the pattern's id."""
    called: dict[int, set[str]] = {}
    for module in MODULES:
        for name, method, _ in module.calls():
            if (
                method in CALLS
                and name.isupper()
                and isinstance(module.names.get(name), re.Pattern)
            ):
                called.setdefault(id(module.names[name]), set()).add(method)
    return called


def called_otherwise(module: Module) -> set[str]:
    """The methods that a module calls on a variable or an attribute with the name `pattern`."""
    calls = (node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    methods = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in CALLS]
    return {call.attr for call in methods if ast.unparse(call.value).endswith("pattern")}


def tried() -> Mapping[str, tuple["re.Pattern[Any]", set[str]]]:
    """Each pattern and the calls that the code makes of it, by its place in the source."""
    found: dict[str, tuple[re.Pattern[Any], set[str]]] = {}
    named = called_by_name()
    for module in MODULES:
        if all(name != "re" for name, _, _ in module.calls()):
            continue
        for name, pattern in compiled(module):
            calls = named.get(id(pattern)) or called_otherwise(module) or set(CALLS)
            found[f"{module.path}:{name}:{pattern.pattern[:20]!r}"] = pattern, calls
        for name, method, call in module.calls():
            if name == "re" and method in CALLS:
                text = MADE_AS_NEEDED.get((module.path, method))
                given = ast.literal_eval(call.args[0]) if text is None else text
                is_ascii = "re.ASCII" in ast.unparse(call)
                pattern = re.compile(given, re.ASCII * is_ascii)
                found[f"{module.path}:{call.lineno}"] = pattern, {method}
    return found


TRIED = tried()


@pytest.mark.parametrize("place", TRIED)
def test_a_pattern_is_linear(place):
    pattern, calls = TRIED[place]
    texts = Texts(pattern)

    for few, many in zip(texts.of(FEW_CHARACTERS), texts.of(CHARACTERS), strict=True):
        for call in sorted(calls):
            if seconds(pattern, call, few) > FEW_SECONDS:
                took = min(seconds(pattern, call, many) for _ in range(2))
                assert took < MOST_SECONDS, f"{call} of {many[:80]!r} … {many[-20:]!r}"


def test_a_pattern_that_is_not_linear_is_found():
    pattern = re.compile(r"(?<=[;\n])(?=[\s\"]*=)")

    took = max(seconds(pattern, "sub", text) for text in Texts(pattern).of(FEW_CHARACTERS))

    assert took > FEW_SECONDS


def test_no_pattern_is_made_in_another_way():
    named = {
        (module.path, name)
        for module in MODULES
        for node in ast.walk(module.tree)
        for name in (getattr(node, kind, None) for kind in ("id", "attr", "arg"))
        if isinstance(name, str) and OTHER_WAYS & set(name.split("__"))
    }

    assert named == set()


def seconds(pattern: "re.Pattern[Any]", call: str, text: Any) -> float:
    began = time.thread_time()
    CALLS[call](pattern, text)
    return time.thread_time() - began
