"""Cells that a spreadsheet would take for formulas get an apostrophe; others stay unchanged."""

import time
from decimal import Decimal

import pytest

from pictor.kit.words.csv_cells import harmless, table_of


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1", "'=1"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("-1.00;=1", "'-1.00;'=1"),
        ("-.5", "'-.5"),
        ("-\u0661", "'-\u0661"),
        ("-1\n", "'-1\n"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20SUM(1)", "'\uff20SUM(1)"),
        ("\ta", "'\ta"),
        ("\ra", "'\ra"),
        ("\na", "'\na"),
        ("  =1", "'  =1"),
        ("\u3000\u00a0=1", "'\u3000\u00a0=1"),
        ('"=1', "'\"=1"),
        (";=1", "';'=1"),
        ("; \uff1d1", "';' \uff1d1"),
        ("a fox;=1", "a fox;'=1"),
        ('a fox; "=1', "a fox;' \"=1"),
        ("a fox\n=1", "a fox\n'=1"),
        ("a fox\r\n@SUM(1)", "a fox\r'\n'@SUM(1)"),
    ],
)
def test_no_cell_begins_with_a_formula(cell, written):
    assert harmless(cell) == written


@pytest.mark.parametrize(
    "cell",
    [
        "-1",
        "-12.000001",
        "",
        "a fox",
        "1 = 1",
        "a; b",
        "a - b",
        "e@mail.example",
        "\u6d4b=1",
        5,
        None,
        Decimal(-1),
    ],
)
def test_other_cells_are_as_they_are(cell):
    assert harmless(cell) == cell


def test_a_cell_has_no_more_characters_than_a_spreadsheet_takes():
    assert harmless("a" * 32_767) == "a" * 32_767
    assert harmless("a" * 32_768) == "a" * 32_760 + "… (cut)"
    assert harmless("\n=" * 16_000)[:7] == "'\n'=\n'="
    assert harmless("\n=" * 16_000)[32_760:] == "… (cut)"


def test_white_space_in_front_of_no_formula_is_looked_at_once():
    began = time.thread_time()

    harmless("a" + "\n" * 31_990 + "b")

    assert time.thread_time() - began < 0.1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (",".join(map(str, range(101))), "more than 100 columns"),
        (",".join(map(str, range(100))) + "\n1" * 5_001, "more than 500,000 cells"),
    ],
)
def test_a_table_is_refused_before_its_empty_cells_take_memory(text, limit):
    with pytest.raises(ValueError, match=limit):
        table_of(text)
