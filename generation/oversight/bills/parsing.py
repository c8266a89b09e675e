"""A vendor's file as rows, each a mapping from columns or JSON paths to texts. Pure.

CSV has its columns in the first line; where that line comes again, it is no row. JSON is an array
of objects, the first array in an object, or one object per line. An object's members become paths,
`amount.value`; a list of objects in it becomes rows, each with the rest of the object around it:
this is OpenAI's format of a day's costs. One row is in memory at a time. Raises ValueError, with
the row's number if it is about one row.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Any

Row = Mapping[str, str]

MAX_COLUMNS = 200
TOO_WIDE = f"more than {MAX_COLUMNS} columns"
MAX_CHARACTERS = 4_000
"""The length to which cells are cut; the rest is not needed here."""
MAX_NAME = 200
"""The longest path, and the length to which the names of columns are cut."""
MAX_EMPTY = 10_000
"""The most objects without a row, or empty lines: they take time, and count as no cells."""
MAX_DEPTH = 8
"""Lists of rows within each other: each row is merged with the members around it once for each."""
MAX_PATH_NAMES = 32
"""The most names in a path: each member of a row is reached through all of them."""
_TOO_DEEP = "the JSON is nested too deep"
_PACKED = {
    b"PK\x03\x04": "a zip or a spreadsheet: unpack it, or save it as CSV",
    b"\x1f\x8b": "packed with gzip: unpack it first",
    b"%PDF": "a PDF: ask the vendor for CSV or JSON",
}
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:?\s*")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_OBJECTS = re.compile(r"\[\s*[{\]]")
_LISTS = frozenset({"results", "data", "items", "lines", "line_items"})
"""Names of lists of rows, which count as such even if they are empty."""
_DELIMITERS = (",", ";", "\t")


def text_of(content: bytes) -> str:
    """The file as text. Raises ValueError for one that is empty or not text."""
    for start, words in _PACKED.items():
        if content.startswith(start):
            raise ValueError(f"the file is {words}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text: save it as CSV UTF-8") from None
    if "\0" in text:
        raise ValueError("a file with a null character in it is neither CSV nor JSON")
    if not text or text.isspace():
        raise ValueError("the file is empty")
    return text


def beginning_of(content: bytes) -> str:
    """The first bytes of a file as text, even if cut within a character. Raises ValueError."""
    for dropped in range(4):
        try:
            content[: len(content) - dropped].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        return text_of(content[: len(content) - dropped])
    return text_of(content)


def rows_of(text: str) -> Iterator[Row]:
    """The file's rows, one after the other."""
    is_json = text.lstrip()[:1] in {"[", "{"}
    return _json_rows(text) if is_json else _csv_rows(text)


def _csv_rows(text: str) -> Iterator[Row]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    lines = csv.reader(_lines_of(text), delimiter=delimiter)
    header, names, empty = list[str](), list[str](), 0
    try:
        for cells in lines:
            if cells == header or not any(cell.strip() for cell in cells):
                empty = _one_more(empty)
                continue
            if not names:
                header, names = cells, _names(cells)
                continue
            if any(cells[len(names) :]):
                raise ValueError(f"line {lines.line_num}: more cells than columns")
            row = {name: _cell(cell) for name, cell in zip(names, cells, strict=False)}
            yield dict.fromkeys(names, "") | row
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num + 1}: {error}") from None


def _lines_of(text: str) -> Iterator[str]:
    at = 0
    for end in _LINE_ENDS.finditer(text):
        yield f"{text[at : end.start()]}\n"
        at = end.end()
    yield text[at:]


def _names(cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise ValueError(TOO_WIDE)
    texts = [cell.strip()[:MAX_NAME] for cell in cells if cell.strip()]
    names = [cell.strip()[:MAX_NAME] or f"column {at}" for at, cell in enumerate(cells, 1)]
    if twice := sorted({name for name in texts if texts.count(name) > 1}):
        raise ValueError(f"the column {twice[0]!r} appears twice")
    if any(re.fullmatch(r"[\d.:$ -]+", name) for name in texts):
        raise ValueError("the first line does not name the columns")
    return names


def _one_more(empty: int) -> int:
    if empty >= MAX_EMPTY:
        raise ValueError(f"more than {MAX_EMPTY:,} of its lines or objects are empty")
    return empty + 1


def _json_rows(text: str) -> Iterator[Row]:
    empty = 0
    try:
        for number, value in enumerate(_elements(text), start=1):
            if not isinstance(value, dict):
                raise ValueError(f"row {number} is not an object")  # noqa: TRY004 - the file's mistake
            row = None
            for row in _flat(value):
                if len(row) > MAX_COLUMNS:
                    raise ValueError(TOO_WIDE)
                yield row
            empty = _one_more(empty) if row is None else empty
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text[:40]!r} is too large a number") from None


_decoder = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse)


def _elements(text: str) -> Iterator[Any]:
    """An array's elements; in an object, those of its first array with the members before it."""
    at = _skip(text, 0)
    if text[at] == "[":
        yield from _array_elements(text, at, is_whole=True)
    elif _has_one_a_line(text):
        while at < len(text):
            value, at = _value(text, at)
            yield value
            at = _skip(text, at)
    else:
        yield from _in_object(text, at)


def _has_one_a_line(text: str) -> bool:
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest.strip()) and isinstance(_decoder.decode(first), dict)
    except ValueError:
        return False


def _in_object(text: str, at: int) -> Iterator[Any]:
    around: dict[str, Any] = {}
    width, at = 0, _skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = _value(text, at)
        at = _COLON.match(text, at).end()  # type: ignore[union-attr] # it matches anything
        if _OBJECTS.match(text, at):
            for value in _array_elements(text, at):
                yield {**around, **value} if isinstance(value, dict) else value
            return
        value, at = _value(text, at)
        around[name] = _needed(value)
        width += _width(around[name])
        if width > MAX_COLUMNS:
            raise ValueError(TOO_WIDE)
        at = _skip(text, at)
    if text[at : at + 1] != "}":
        raise ValueError("the JSON is cut short")
    yield around


def _needed(value: Any) -> Any:
    """What rows need of a member around them: each row reads it again, however long it was."""
    if isinstance(value, str):
        return value.strip()[:MAX_CHARACTERS]
    if isinstance(value, dict):
        return {name: _needed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_needed(each) for each in value if isinstance(each, dict)]
    return value


def _width(value: Any) -> int:
    """The number of members that a row gets by this one around it: each row walks them all."""
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(map(_width, within)) + 1


def _array_elements(text: str, at: int, *, is_whole: bool = False) -> Iterator[Any]:
    at = _skip(text, at + 1)
    while at < len(text) and text[at] != "]":
        value, at = _value(text, at)
        yield value
        at = _skip(text, at)
    if at >= len(text):
        raise ValueError("the JSON is cut short")
    if is_whole and _skip(text, at + 1) < len(text):
        raise ValueError("something follows the end of the JSON")


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is not JSON: {error.msg}") from None


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _flat(value: Mapping[str, Any], depth: int = 0) -> Iterator[Row]:
    """An object's rows: one, or those of the lists of objects in it with the members around."""
    if depth > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    around: dict[str, str] = {}
    lists: list[list[Any]] = []
    for path, member in _members(value, ""):
        if not isinstance(member, list):
            around[path] = _cell(_text(member))
            if len(around) > MAX_COLUMNS:
                raise ValueError(TOO_WIDE)
        elif path in _LISTS or any(isinstance(each, dict) for each in member):
            lists.append(member)
    if not lists:
        yield around
    inner = (each for each in chain.from_iterable(lists) if isinstance(each, dict))
    for row in chain.from_iterable(_flat(each, depth + 1) for each in inner):
        yield {**around, **row}


def _members(value: Mapping[str, Any], under: str, names: int = 1) -> Iterator[tuple[str, Any]]:
    if names > MAX_PATH_NAMES:
        raise ValueError(_TOO_DEEP)
    for name, member in value.items():
        path = f"{under}{name}"
        if len(path) > MAX_NAME:
            raise ValueError(f"the path {path[:40]!r}… is longer than {MAX_NAME} characters")
        if isinstance(member, dict):
            yield from _members(member, f"{path}.", names + 1)
        else:
            yield path, member


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    cell = text.strip()[:MAX_CHARACTERS]
    if _UNSTORABLE.search(cell):
        raise ValueError("a text has a null character or a lone surrogate in it")
    return cell
