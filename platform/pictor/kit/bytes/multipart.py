"""multipart/form-data in chunks and flat memory: text into memory, files into spools.

The field's name decides whether a part is a file; the part's own file name and type are not kept. A
field may be given once, or repeatedly if its name ends in `[]`. Browsers send a file without name
and bytes if none was chosen; it counts as absent. Text before the first boundary is ignored (RFC
2046, 5.1.1). Raises:

    FormRefused
    ├── FormInvalid    no boundary or another one, cut short, a broken header, a field given twice …
    ├── FormUnknown    a file in a field that the form does not have
    └── FormTooLarge   too much text, or a file that is too large
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartState, parse_options_header

from pictor.kit.bytes.charsets import (
    MAX_PARAMETERS,
    MAX_TYPE_BYTES,
    charset_of,
    is_readable,
    parameters_of,
)
from pictor.kit.bytes.spool import SpoolFile, SpoolTooLarge

MEDIA_TYPE = b"multipart/form-data"
MAX_PARTS = 64
REPEATED = "[]"
"""The end of the name of a field that may be repeated."""
MAX_PREAMBLE_BYTES = 8 * 1024
_PER_PART_BYTES = 8 * 1024
"""Allowance for a part's boundary and headers."""


class FormRefused(ValueError):
    """The form is refused and not read any further. `param` names the field at fault, if any."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class FormInvalid(FormRefused):
    """The body is not a form, or its meaning is ambiguous."""


class FormUnknown(FormRefused):
    """The form has no field of the name in `param`."""


class FormTooLarge(FormRefused):
    """The form has too much text or too large a file."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Limits of a form.

    Attributes:
        file_fields: names of the fields that are files.
        text_fields: names of the others. A text of another name is read; a file is not.
        max_files: number of files in all file fields together.
        max_file_bytes: size of each file.
        max_text_bytes: size of all other fields together.
    """

    file_fields: Collection[str]
    text_fields: Collection[str]
    max_files: int
    max_file_bytes: int
    max_text_bytes: int

    @property
    def max_bytes(self) -> int:
        """Upper bound of the size of a form within these limits."""
        most_files = self.max_files * self.max_file_bytes
        return most_files + self.max_text_bytes + MAX_PARTS * _PER_PART_BYTES


@dataclass(frozen=True, slots=True)
class FormFile:
    """One file: its bytes, without the sender's claims about them."""

    spool: SpoolFile


@dataclass
class Form:
    """A form's texts and files by field; the files of a field in order of arrival."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[FormFile]] = field(default_factory=dict)


class FormText(str):
    """A form's text whose field is not known yet, so that its type is not either."""

    __slots__ = ()


def is_form(content_type: bytes | None) -> bool:
    """True if a Content-Type is that of a form."""
    return (content_type or b"").partition(b";")[0].strip().lower() == MEDIA_TYPE


class FormStream:
    """The reader of one form.

    Args:
        content_type: the request's header, which names the boundary.
        limits: the form's limits.
        new_spool: makes a spool for one file, of at most `limits.max_file_bytes`.
    """

    def __init__(
        self, content_type: bytes, *, limits: FormLimits, new_spool: Callable[[], SpoolFile]
    ) -> None:
        self._limits = limits
        self._new_spool = new_spool
        self._form = Form()
        self._raw: dict[str, bytearray] = {}
        self._charset, self._charsets = charset_of(content_type), dict[str, str]()
        self._parts = self._files = self._text_bytes = 0
        self._header_name = b""
        self._header_value = b""
        self._name: str | None = None
        self._is_file_said = False
        self._is_none_chosen = False
        self._spool: SpoolFile | None = None
        self._is_whole = False
        self._preamble: bytes | None = b""
        self._part_charset = ""
        self._delimiters = 0
        self._delimiter = b""
        self._parser = self._open_parser(content_type)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises FormRefused and SpoolFull."""
        if self._preamble is not None:
            chunk = self._after_preamble(self._preamble + chunk)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise FormInvalid("its boundary does not separate its parts") from None
        if self._parser.state == MultipartState.BOUNDARY_PADDING:  # a caller could send it for ever
            raise FormInvalid("its boundary is followed by spaces")
        self._delimiters += chunk.count(self._delimiter)
        if self._delimiters > MAX_PARTS + 1:  # the parser walks those that end no part by bytes
            raise FormInvalid(f"its boundary appears more than {MAX_PARTS + 1} times")

    def _after_preamble(self, begun: bytes) -> bytes:
        """Return the bytes from the first boundary on; empty until it has come."""
        self._preamble = None
        first = self._delimiter.removeprefix(b"\r\n")
        if begun.startswith(first):
            return begun
        place = begun.find(self._delimiter)
        if place >= 0:
            return begun[place + 2 :]
        if len(begun) > MAX_PREAMBLE_BYTES:
            raise FormInvalid("its boundary does not separate its parts")
        self._preamble = begun
        return b""

    def finish(self) -> Form:
        """Return the form. Raises FormInvalid if it is cut short or its text is not UTF-8."""
        if self._preamble:
            raise FormInvalid("its boundary does not separate its parts")
        if not self._is_whole:
            raise FormInvalid("it is cut short")
        for name, raw in self._raw.items():
            charset = self._charsets.get(name, self._charset)
            if not is_readable(raw, charset):
                raise FormInvalid(f"{name[:100]} is in {charset}: send UTF-8", param=name[:100])
            try:
                self._form.texts[name] = raw.decode()
            except UnicodeDecodeError:
                raise FormInvalid(f"{name[:100]} is not UTF-8", param=name[:100]) from None
        return self._form

    def _open_parser(self, content_type: bytes) -> MultipartParser:
        boundary = parameters_of(content_type).get(b"boundary", b"")
        try:
            if not boundary:
                raise FormInvalid("its Content-Type names no boundary")
            self._delimiter = b"\r\n--" + boundary
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_header_name,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_content,
                    "on_part_data": self._take_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise FormInvalid("its boundary is too long") from None

    # --- the parser's callbacks ---------------------------------------------------------------

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise FormInvalid(f"it has more than {MAX_PARTS} parts")
        self._name, self._spool, self._part_charset = None, None, ""
        self._is_file_said = self._is_none_chosen = False

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        name, self._header_name = self._header_name.lower(), b""
        value, self._header_value = self._header_value, b""
        if name == b"content-type":
            self._part_charset = charset_of(value)
        if name != b"content-disposition":
            return
        is_long = len(value) > MAX_TYPE_BYTES or value.count(b";") > MAX_PARAMETERS
        if self._name is not None or is_long:
            raise FormInvalid("a part has two content dispositions, or one that is too long")
        kind, options = parse_options_header(value)
        if kind == b"form-data" and b"name" in options:
            self._name = options[b"name"].decode("utf-8", "replace")
            self._is_file_said = b"filename" in options
            self._is_none_chosen = options.get(b"filename") == b""

    def _begin_content(self) -> None:
        name = self._name
        if not name:
            raise FormInvalid("a part has no name")
        shown = name[:100]
        if name in self._limits.file_fields:
            self._begin_file(name)
        elif self._is_file_said and name not in self._limits.text_fields:
            raise FormUnknown(f"{shown!r} is not a field", param=name)
        elif self._is_file_said:
            known = ", ".join(self._limits.file_fields)
            raise FormInvalid(f"{shown!r} is not a file; files are {known}", param=shown)
        elif name in self._raw:
            raise FormInvalid(f"{shown} appears twice", param=shown)
        else:
            self._raw[name] = bytearray()
            if self._part_charset:
                self._charsets[name] = self._part_charset

    def _begin_file(self, name: str) -> None:
        self._files += 1
        if self._files > self._limits.max_files:
            raise FormInvalid(f"it has more than {self._limits.max_files} files", param=name)
        given = self._form.files.setdefault(name, [])
        if given and not name.endswith(REPEATED):
            several = f"{name}{REPEATED}"
            hint = f": send several as {several}" if several in self._limits.file_fields else ""
            raise FormInvalid(f"{name} appears twice{hint}", param=name)
        self._spool = self._new_spool()
        given.append(FormFile(self._spool))

    def _take_content(self, data: bytes, start: int, end: int) -> None:
        name = self._name or ""
        if self._spool is not None:
            try:
                self._spool.write(data[start:end])
            except SpoolTooLarge:
                mib = self._limits.max_file_bytes // 1024**2
                raise FormTooLarge(f"{name} is larger than {mib} MiB", param=name) from None
            return
        self._text_bytes += end - start
        if self._text_bytes > self._limits.max_text_bytes:
            kib = self._limits.max_text_bytes // 1024
            raise FormTooLarge(f"without its files, it is larger than {kib} KiB")
        self._raw[name] += data[start:end]

    def _end_part(self) -> None:
        if self._name and self._spool is not None and self._is_none_chosen and not self._spool.size:
            self._spool.close()
            self._files -= 1
            given = self._form.files.pop(self._name)[:-1]
            if given:
                self._form.files[self._name] = given

    def _end(self) -> None:
        self._is_whole = True
