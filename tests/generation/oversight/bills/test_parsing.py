"""A vendor's file as rows: CSV and JSON in the forms that vendors write."""

import json
import time

import pytest

from generation.oversight.bills.parsing import beginning_of, rows_of, text_of


def within_lists(number: int) -> object:
    """A row within as many lists."""
    return {"data": [within_lists(number - 1)]} if number else {"x": 1}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id,cost\na,0.1\n\nb,0.2\n", [{"id": "a", "cost": "0.1"}, {"id": "b", "cost": "0.2"}]),
        ("id;cost\r\na;0,1\r\n", [{"id": "a", "cost": "0,1"}]),
        ("id,cost\ra,1\rb,2\r", [{"id": "a", "cost": "1"}, {"id": "b", "cost": "2"}]),
        ("id,cost\na,1\nid,cost\nb,2\n", [{"id": "a", "cost": "1"}, {"id": "b", "cost": "2"}]),
        ("id\tcost\na\t 0.1 \n", [{"id": "a", "cost": "0.1"}]),
        ('id,words\na,"one, two\nthree"\n', [{"id": "a", "words": "one, two\nthree"}]),
        ("id,cost\na\n", [{"id": "a", "cost": ""}]),
        ("id,cost,\na,1,\n", [{"id": "a", "cost": "1", "column 3": ""}]),
        ('[{"id": "a", "cost": 1e-05}, {"id": "b", "cost": 0.1}]',
         [{"id": "a", "cost": "0.00001"}, {"id": "b", "cost": "0.1"}]),
        ('{"id": "a"}\n{"id": "b"}\n', [{"id": "a"}, {"id": "b"}]),
        ('{"total": 2, "data": [{"id": "a", "x": {"y": true, "z": null}}], "more": false}',
         [{"total": "2", "id": "a", "x.y": "true", "x.z": ""}]),
        ('{"day": 1, "results": [{"v": 1}, {"v": 2}]}',
         [{"day": "1", "v": "1"}, {"day": "1", "v": "2"}]),
        ('{"data": [{"day": 1, "results": []}, {"day": 2, "tags": ["x"], "results": [{"v": 3}]}]}',
         [{"day": "2", "v": "3"}]),
        ("[]", []),
        ('{"data": []}', []),
    ],
)  # fmt: skip
def test_rows_are_read_from_csv_and_from_json(text, rows):
    assert list(rows_of(text)) == rows


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id,cost\na,1,2\n", "line 2: more cells than columns"),
        ("a,a\n1,2\n", "the column 'a' appears twice"),
        ("1,0.5\n2,0.7\n", "the first line does not name the columns"),
        (",".join(f"c{n}" for n in range(201)) + "\n", "more than 200 columns"),
        ("id,cost" + "," * 199 + "\na,1\n", "more than 200 columns"),
        (json.dumps([{f"c{n}": n for n in range(201)}]), "more than 200 columns"),
        (
            json.dumps(
                {f"c{n}": n for n in range(150)} | {"data": [{f"d{n}": n for n in range(51)}]}
            ),
            "more than 200 columns",
        ),
        (json.dumps({f"c{n}": [1] for n in range(201)} | {"data": [{}]}), "more than 200 columns"),
        (json.dumps({"c": {f"c{n}": 1 for n in range(201)}, "data": []}), "more than 200 columns"),
        ('{"a":' * 33 + "1" + "}" * 33, "the JSON is nested too deep"),
        ('[{"cost": 1e99999999999999999999}]', "'1e99999999999999999999' is too large a number"),
        ('[{"cost": 1e-99999999999999999999}]', "is too large a number"),
        ('id,x\na,"' + "y" * 140_000 + '"\n', "field larger than field limit"),
        ('[{"a": 1}', "the JSON is cut short"),
        ('[{"a": 1}] and more', "something follows the end of the JSON"),
        ('[{"a": NaN}]', "NaN is not JSON"),
        ('[{"a": "\\u0000"}]', "a text has a null character or a lone surrogate"),
        ('[{"a": "\\ud800"}]', "a text has a null character or a lone surrogate"),
        ("[1]", "row 1 is not an object"),
        ("[" * 200_000, "the JSON is nested too deep"),
        ('{"a": ' * 200_000, "the JSON is nested too deep"),
        ("{", "the JSON is cut short"),
        (json.dumps([within_lists(9)]), "the JSON is nested too deep"),
        (json.dumps([{"a" * 201: 1}]), "is longer than 200 characters"),
        (json.dumps({"x": [0, *[{"data": []}] * 201], "data": [{}]}), "more than 200 columns"),
        (json.dumps([{"data": []}] * 10_001), "more than 10,000 of its lines or objects are empty"),
        ("id\na\n" + "\n" * 10_001, "more than 10,000 of its lines or objects are empty"),
    ],
)
def test_a_text_that_is_no_table_is_refused_with_a_reason(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        list(rows_of(text))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"PK\x03\x04", "a zip or a spreadsheet"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xff\xfei\0d\0", "is not UTF-8 text"),
        (b"id\0,cost", "a null character"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_a_reason(content, complaint):
    with pytest.raises(ValueError, match=complaint):
        text_of(content)


def test_a_beginning_may_be_cut_within_a_character():
    assert beginning_of("id,cost\nfür".encode()[:-1]) == "id,cost\nfü"
    assert text_of(b"\xef\xbb\xbfid") == "id"


def test_one_row_is_in_memory_at_a_time():
    rows = rows_of(json.dumps([{"n": number} for number in range(3)]) + "  ")

    assert next(rows) == {"n": "0"}


def test_rows_of_lists_eight_deep_have_the_members_around_them():
    assert list(rows_of(json.dumps([within_lists(8)]))) == [{"x": "1"}]


def test_what_stands_around_many_rows_is_read_once():
    around = {"name": " " * 500_000 + "a", "numbers": [1] * 500_000}
    text, began = json.dumps({**around, "data": [{"n": 1}] * 2_000}), time.thread_time()

    rows = list(rows_of(text))

    assert (len(rows), rows[0]) == (2_000, {"name": "a", "n": "1"})
    assert time.thread_time() - began < 1


def test_one_row_of_lists_within_lists_is_in_memory_at_a_time():
    inside = [{"x": number} for number in range(1000)]
    lines = [{"z": 1, "lines": [*inside, {"x": "\0"}]}]
    value = {"day": 1, "results": [{"y": 1, "data": lines}]}

    rows = rows_of(json.dumps(value))

    assert next(rows) == {"day": "1", "y": "1", "z": "1", "x": "0"}
