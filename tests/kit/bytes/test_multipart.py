"""Forms cut anywhere give the same text and files, or the same refusal."""

import pytest

from pictor.kit.bytes.charsets import charset_of
from pictor.kit.bytes.multipart import (
    Form,
    FormInvalid,
    FormLimits,
    FormRefused,
    FormStream,
    FormTooLarge,
    FormUnknown,
    is_form,
)
from pictor.kit.bytes.spool import SpoolBudget, SpoolFull, Spools

KILOBYTE = 1024
TYPE = b'multipart/form-data; boundary="--b--"'
LIMITS = FormLimits(
    file_fields=("image", "image[]"),
    text_fields=("prompt", "n", "user"),
    max_files=2,
    max_file_bytes=100 * KILOBYTE,
    max_text_bytes=10 * KILOBYTE,
)
FILE = bytes(range(256)) * 300 + b"\r\n----b-\r\n----b--x"
"""A file that contains beginnings of boundaries."""


@pytest.fixture
def spools(tmp_path):
    return Spools(tmp_path, SpoolBudget(KILOBYTE**2))


def stream_of(spools: Spools, content_type: bytes = TYPE) -> FormStream:
    return FormStream(
        content_type,
        limits=LIMITS,
        new_spool=lambda: spools.new(max_bytes=LIMITS.max_file_bytes, memory_bytes=KILOBYTE),
    )


def whole(stream: FormStream, body: bytes) -> Form:
    stream.feed(body)
    return stream.finish()


def part(name: str, content: bytes, extra: str = "") -> bytes:
    head = f'----b--\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"----b----\r\n"


GOOD = form(
    part("prompt", "ein «Boot»\r\n".encode()),
    part("image[]", FILE, '; filename="../a.png"\r\nContent-Type: text/plain\r\nX-Other: 1'),
    part("n", b"2"),
    part("image[]", b"short"),
    part("empty", b""),
)


@pytest.mark.parametrize("step", [1, 7, 64, 1000, 10**6])
def test_a_form_cut_anywhere_gives_its_text_and_files(spools, step):
    stream = stream_of(spools)

    for start in range(0, len(GOOD), step):
        stream.feed(GOOD[start : start + step])
    found = stream.finish()

    assert found.texts == {"prompt": "ein «Boot»\r\n", "n": "2", "empty": ""}
    files = [b"".join(file.spool.chunks()) for file in found.files["image[]"]]
    assert files == [FILE, b"short"]
    assert spools.budget.used_bytes == len(FILE)
    spools.close()
    assert spools.budget.used_bytes == 0


@pytest.mark.parametrize("end", range(0, len(GOOD) - 2, 997))
def test_a_form_cut_short_is_none(spools, end):
    stream = stream_of(spools)
    stream.feed(GOOD[:end])

    with pytest.raises(FormInvalid, match="it is cut short"):
        stream.finish()


REFUSED: dict[str, tuple[bytes, type[FormRefused], str | None]] = {
    "another boundary": (GOOD.replace(b"----b--", b"----c--"), FormInvalid, None),
    "text twice": (form(part("n", b"1"), part("n", b"2")), FormInvalid, "n"),
    "a file twice": (form(part("image", b"1"), part("image", b"2")), FormInvalid, "image"),
    "three files": (form(*[part("image[]", b"1")] * 3), FormInvalid, "image[]"),
    "a file that is none": (form(part("n", b"1", '; filename=""')), FormInvalid, "n"),
    "a file of another name": (
        form(part("photo", b"1", '; filename="a.png"')), FormUnknown, "photo",
    ),
    "no name": (form(part("", b"1")), FormInvalid, None),
    "two names": (
        form(part("a", b"1", '\r\nContent-Disposition: form-data; name="b"')), FormInvalid, None,
    ),
    "many parameters": (form(part("a", b"1", ";" * 17)), FormInvalid, None),
    "a long disposition": (form(part("a", b"1", ";" * 1_000)), FormInvalid, None),
    "a header without end": (form(part("x" * 5000, b"1")), FormInvalid, None),
    "65 parts": (form(*[part(f"n{number}", b"") for number in range(65)]), FormInvalid, None),
    "boundaries without end": (form(part("image", b"\r\n----b--x" * 1000)), FormInvalid, None),
    "a large file": (form(part("image", bytes(101 * KILOBYTE))), FormTooLarge, "image"),
    "long text": (form(*[part(f"t{n}", bytes(6 * KILOBYTE)) for n in "ab"]), FormTooLarge, None),
    "no UTF-8": (form(part("n", b"\xff")), FormInvalid, "n"),
}  # fmt: skip


def test_spaces_after_a_boundary_are_refused_as_they_come(spools):
    """Not at the end: the parser walks them byte by byte, and no limit counts them."""
    stream = stream_of(spools)

    with pytest.raises(FormInvalid, match="followed by spaces"):
        stream.feed(part("n", b"1") + b"----b--" + b" " * KILOBYTE)


@pytest.mark.parametrize(("body", "kind", "param"), REFUSED.values(), ids=REFUSED)
def test_a_body_that_is_no_form_is_refused_and_leaves_nothing(spools, body, kind, param):
    stream = stream_of(spools)

    with pytest.raises(kind) as refused:
        whole(stream, body)

    assert refused.value.param == param


def test_a_type_of_many_parameters_has_none():
    assert charset_of(b"text/plain" + b";" * 16 + b"charset=gbk") == "gbk"
    assert charset_of(b"text/plain" + b";" * 17 + b"charset=gbk") == ""


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/form-data", b"multipart/form-data; boundary=", TYPE + b"x" * 300],
)
def test_a_form_needs_a_boundary(spools, content_type):
    with pytest.raises(FormInvalid):
        stream_of(spools, content_type).feed(GOOD)


def test_no_room_is_said_as_such(tmp_path):
    stream = stream_of(Spools(tmp_path, SpoolBudget(10 * KILOBYTE)))

    with pytest.raises(SpoolFull):
        stream.feed(GOOD)


@pytest.mark.parametrize(
    ("content_type", "is_one"),
    [
        (TYPE, True),
        (b"Multipart/Form-Data ; boundary=x", True),
        (b"multipart/mixed; boundary=x", False),
        (b"application/json", False),
        (b"", False),
        (None, False),
    ],
)
def test_a_form_is_told_by_its_media_type(content_type, is_one):
    assert is_form(content_type) is is_one


def test_no_form_within_the_limits_is_larger_than_they_say():
    assert LIMITS.max_bytes == (200 + 10 + 64 * 8) * KILOBYTE


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize("before", [b"\r\n", b"a preamble\r\n", b"--x\r\n" * 100])
def test_bytes_before_the_first_boundary_are_ignored(spools, step, before):
    stream, body = stream_of(spools), before + GOOD

    for start in range(0, len(body), step):
        stream.feed(body[start : start + step])

    assert stream.finish().texts["n"] == "2"


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_body_without_a_boundary_is_refused(spools, size):
    with pytest.raises(FormInvalid, match="does not separate its parts"):
        whole(stream_of(spools), b"x" * size)


def test_a_file_that_was_not_chosen_was_not_given(spools):
    none_chosen = part("image", b"", '; filename=""\r\nContent-Type: application/octet-stream')
    of_several = part("image[]", b"", '; filename=""')

    found = whole(
        stream_of(spools), form(none_chosen, of_several, part("image[]", b"x"), of_several)
    )

    assert [len(files) for files in found.files.values()] == [1]
    assert list(found.files) == ["image[]"]


def test_an_empty_file_that_has_a_name_was_given(spools):
    found = whole(stream_of(spools), form(part("image", b"", '; filename="a.png"')))

    assert found.files["image"][0].spool.size == 0


@pytest.mark.parametrize(
    ("kind", "extra", "content"),
    [
        (TYPE + b"; charset=gbk", "", "猫".encode("gbk")),
        (TYPE, "\r\nContent-Type: text/plain; charset=gbk", "猫".encode("gbk")),
        (TYPE, "\r\nContent-Type: text/plain; charset=gbk", "猫".encode()),
    ],
)
def test_text_that_says_another_encoding_is_not_taken_for_utf_8(spools, kind, extra, content):
    with pytest.raises(FormInvalid, match="prompt is in gbk: send UTF-8"):
        whole(stream_of(spools, kind), form(part("prompt", content, extra)))
