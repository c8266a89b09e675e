"""A model's file: what it says is read, what is wrong is named by its path, and it goes round."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pixel_prices import PixelTerms, by_megapixels, by_steps
from billing.price_rows import BookRow, row_by
from billing.pricing import PriceTable
from generation.catalogue.model_files import ModelFile, read, written
from generation.catalogue.services import shipped_files
from generation.catalogue.toml_files import BadToml
from pictor.kit.words.money import Micros

FILE = """
model = "fox-1"
maker = "Fox Labs"
created = 2026-11-30
tasks = ["generate"]
prompt_max_chars = 4000
default_size = "1024x1024"
qualities = ["1K", "2K", "auto"]
default_quality = "1K"
auto = true
tokens = "gpt-image-2"
references = { most = 8, price = "0.0536", by = "tokens" }
[sizes]
list = [{ size = "1024x1024", tier = "1K", preset = "1:1" }]
[parameters]
seed = { type = "integer", least = 0, most = 4294967295 }
look = { type = "word", words = ["photo"], default = "photo" }
[prices]
1024x1024 = { 1K = "0.03", 2K = "0.051234" }
[prices.auto]
1K = { price = "0.04", up_to = "2048x2048" }
2K = { price = "0.06", up_to = "2048x2048" }
"""


def faults(text: str) -> list[str]:
    with pytest.raises(BadToml) as refused:
        read(text)
    return [*refused.value.faults]


def test_a_file_is_columns_and_prices():
    file = read(FILE)

    assert file.model == "fox-1"
    assert file.columns == {
        "maker": "Fox Labs",
        "about": "",
        "source": "",
        "created": 1_796_000_000 - 1_796_000_000 % 86_400,
        "tasks": ["generate"],
        "prompt_max_chars": 4000,
        "max_n": 1,
        "is_exact": False,
        "accepts_auto": True,
        "takes_ratio": False,
        "most_references": 8,
        "default_size": "1024x1024",
        "qualities": ["1K", "2K", "auto"],
        "quality_default": "1K",
        "quality_aliases": {},
        "formats": ["png", "jpeg", "webp"],
        "response_format_default": "url",
        "token_rule": "gpt-image-2",
        "parameters": [
            {"name": "seed", "type": "integer", "least": 0, "most": 4_294_967_295},
            {"name": "look", "type": "word", "words": ["photo"], "default": "photo"},
        ],
        "sizes": [{"size": "1024x1024", "tier": "1K", "preset": "1:1"}],
        "size_rule": None,
    }
    assert file.prices == [
        BookRow("fox-1", "1024x1024", "1K", Micros(30_000), 1024, 1024),
        BookRow("fox-1", "1024x1024", "2K", Micros(51_234), 1024, 1024),
        BookRow("fox-1", "auto", "1K", Micros(40_000), 2048, 2048),
        BookRow("fox-1", "auto", "2K", Micros(60_000), 2048, 2048),
        BookRow("fox-1", "reference", "input", Micros(53_600), 1, 1, "formula"),
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ('model = "fox-1"', "", "model is missing"),
        ('"Fox Labs"', '"Fox Labs',
         "it is no TOML: Illegal character '\\n' (at line 3, column 18)"),
        ('"Fox Labs"', r'"Fox\u0000"', "maker has characters that cannot be shown"),
        ("maker", "made_by", "made_by is no key of a model's file"),
        ("4000", "true", "prompt_max_chars must be a whole number"),
        ("4000", "4000.0", "prompt_max_chars must be a whole number"),
        ("auto = true", "auto = 1", "auto must be true or false"),
        ('["generate"]', "[1]", "tasks must be a list of texts"),
        ("2026-11-30", "2026-11-30T00:00:00Z", "created must be a date such as 2026-11-30"),
        ('tier = "1K"', 'teir = "1K"', "sizes.list[0].teir is no key of a size"),
        ('tier = "1K"', "tier = 1", "sizes.list[0] must be a table of texts"),
        ("[sizes]", "[sizes]\nrules = 1", "sizes.rules is no key of sizes"),
        ("most = 8", 'most = "8"', "references.most must be a whole number"),
        ("seed = {", 'seed = { name = "x",', "parameters.seed must be a table without a name"),
        ("seed = {", "seed2 = 1\nseed = {", "parameters.seed2 must be a table without a name"),
        ('"0.03"', "0.03", 'prices.1024x1024.1K: a price is a text such as "0.04"'),
        ('"0.03"', '"0.0300001"',
         "prices.1024x1024.1K: '0.0300001' is not an amount with at most 6 decimals"),
        ('"0.03"', '"-0.03"', "prices.1024x1024.1K: -0.03 is below 0"),
        ('"0.03"', '{ cost = "1" }', "prices.1024x1024.1K: cost is no key of a price"),
        ('1K = "0.03", ', "", "prices.1024x1024.1K is missing"),
        ('1K = "0.03"', '1K = "0.03", hd = "1"',
         "prices.1024x1024.hd: the model does not promise it"),
        (', up_to = "2048x2048" }\n2K', " }\n2K",
         'prices.auto.1K: it needs up_to = "WIDTHxHEIGHT", the largest size it covers'),
        ('tokens = "gpt-image-2"', "",
         'prices by formula or tokens need tokens = "gpt-image-2"'),
        ('by = "tokens"', 'by = "weight"', "references: input is not charged by 'weight'"),
        ('up_to = "2048x2048" }\n2K', 'up_to = "2048x2048", by = "formula" }\n2K',
         "prices.auto.1K: 1K is not charged by 'formula'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_path(was, becomes, fault):
    assert was in FILE
    assert faults(FILE.replace(was, becomes, 1)) == [fault]


def test_a_mistyped_quality_is_named_before_the_prices_that_it_leaves_out():
    mistyped = FILE.replace('qualities = ["1K"', 'qualities = ["1k"')

    assert mistyped != FILE
    assert faults(mistyped)[0] == "prices.1024x1024.1K: the model does not promise it"


def priced(of_any: str) -> PriceTable:
    """The prices of a size of its own, and of others by these of any."""
    table = """[sizes.table."1:1"]
2K = "2048x2048"
4K = "4096x4096"
[prices.any]
"""
    rows = FILE.partition("[prices]")[0].replace("auto = true\n", "").replace(', "auto"]', "]")
    prices = '[prices]\n1024x1024 = { 2K = "1" }\n'
    return PriceTable.of_rows(read(rows + prices + table + of_any).prices)


def test_a_table_of_ratios_is_sizes_with_presets():
    rows = FILE.replace("[sizes]\n", '[sizes]\ntable."16:9" = { 1K = "1376x768" }\n').replace(
        "[prices]\n", '[prices]\n1376x768 = { 1K = "1", 2K = "2" }\n'
    )

    assert read(rows).columns["sizes"][1] == {
        "size": "1376x768",
        "tier": "1K",
        "ratio": "16:9",
        "preset": "16:9(1K)",
    }


@pytest.mark.parametrize(
    ("terms", "amounts"),
    [
        ('"0.5"', [500_000, 500_000, 500_000]),
        ('{ megapixels = ["0.03", "0.015"] }', [30_000, 75_000, 255_000]),
        ('{ megapixels = ["0.03", "0.015"], pixels = 1000000 }', [45_000, 90_000, 270_000]),
        ('{ megapixels = ["0.03", "0.015"], pixels = 1000000, round = "nearest" }',
         [30_000, 75_000, 270_000]),
        ('{ megapixels = ["0.03"], round = "none", pixels = 2000000 }',
         [30_000, 62_915, 251_658]),
        ('{ steps = { 1048576 = "0.02", 99999999 = "0.07" } }', [20_000, 70_000, 70_000]),
    ],
)  # fmt: skip
def test_a_price_of_any_is_that_of_each_size(terms, amounts):
    table = priced(f'1K = {terms}\n2K = "2"\n')

    sizes = [f"{side}x{side}" for side in (1024, 2048, 4096)]
    found = [table.qualities("fox-1", size) for size in sizes]
    assert [rows["1K"].unit for rows in found] == amounts
    assert [rows["2K"].unit for rows in found] == [1_000_000, 2_000_000, 2_000_000]


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ('{ steps = { 2 = "0.02" } }', "no step covers 1024x1024"),
        ('{ steps = { "02" = "0.02" } }',
         "needs 1 to 20 steps, each up to a number of pixels"),
        ('{ steps = { "2K" = "0.02" } }',
         "needs 1 to 20 steps, each up to a number of pixels"),
        ('{ steps = { 9 = "2", 10 = "1" } }', "a larger step may not cost less"),
        ('{ steps = "1" }',
         'needs steps = { "2359296" = "0.04" }: an amount up to so many pixels'),
        ('{ price = "1", by = "formula" }', "1K is not charged by 'formula'"),
        ('{ steps = { 9 = "1" }, price = "1" }', "price is no key of a price by steps"),
        ('{ megapixels = ["1"], by = "x" }', "by is no key of a price by megapixels"),
        ('{ megapixels = [] }',
         'needs megapixels = ["0.03", "0.015"]: the first, and each further one'),
        ('{ megapixels = [1] }', 'a price is a text such as "0.04"'),
        ('{ megapixels = ["1"], round = "down" }',
         "needs round (up, nearest, none) and the pixels of a megapixel"),
        ('{ megapixels = ["1"], round = [] }',
         "needs round (up, nearest, none) and the pixels of a megapixel"),
        ('{ megapixels = ["1"], pixels = 0 }',
         "needs round (up, nearest, none) and the pixels of a megapixel"),
    ],
)  # fmt: skip
def test_a_wrong_price_of_any_is_named_once(terms, fault):
    with pytest.raises(BadToml) as refused:
        priced(f'1K = {terms}\n2K = "2"\n')

    assert refused.value.faults[0] == f"prices.any.1K: {fault}"


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("list = [{", 'list = ["a", {', "sizes.list[0] must be a table of texts"),
        ("4000", "9" * 5_000, "it is no TOML: Exceeds the limit (4300 digits)"),
        ("tokens = ", "a." * 3_000 + "b = 1\ntokens = ", "its keys are nested too deeply"),
        ("most = 8,", 'most = 8, up_to = "2x2",', "references: up_to is no key of references"),
    ],
)
def test_an_odd_file_is_no_crash(was, becomes, fault):
    assert faults(FILE.replace(was, becomes, 1))[0].startswith(fault)


def test_a_parameter_is_written_in_one_order_however_it_was_stored():
    file = read(FILE)
    parameters = [dict(reversed(row.items())) for row in file.columns["parameters"]]
    stored = ModelFile(file.model, {**file.columns, "parameters": parameters}, file.prices)

    assert written(stored) == written(file)


def test_a_price_of_references_needs_the_prices_of_the_rest():
    alone = FILE.partition("[prices]")[0]

    assert faults(alone)[:2] == ["prices.1024x1024.1K is missing", "prices.1024x1024.2K is missing"]
    assert read(alone.replace(', price = "0.0536", by = "tokens"', "")).prices == []


def test_a_fixed_amount_of_each_reference_is_a_kind_of_its_own():
    fixed = read(FILE.replace(', by = "tokens"', ""))

    assert fixed.prices[-1] == BookRow("fox-1", "reference", "input", Micros(53_600), 1, 1, "each")
    assert read(written(fixed)) == fixed


def test_a_file_is_bounded():
    many = "".join(f'{number}x1 = {{ 1K = "1" }}\n' for number in range(1, 2_002))
    sizes = ", ".join(['{ size = "1x1" }'] * 201)

    assert faults(FILE + "#" * 262_144) == ["it is longer than 256 KiB"]
    assert faults(FILE + many) == ["prices are more than 2000"]
    assert faults(FILE.replace("list = [", f"list = [{sizes}, ")) == [
        "sizes.list must be a list of at most 200 sizes"
    ]


def test_a_file_without_prices_prices_nothing():
    assert read(FILE.partition("tokens")[0] + "[sizes]\nlist = []\n").prices == []


@pytest.mark.parametrize("model", shipped_files())
def test_a_file_that_comes_with_pictor_goes_round(model):
    file = read(shipped_files()[model])

    assert file.model == model
    assert read(written(file)) == file


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
amounts = st.integers(0, 10**12).map(Micros)


def parameters() -> st.SearchStrategy[dict[str, Any]]:
    """Any parameter, its default among them."""
    least = st.integers(-(10**6), 0) | st.floats(-1e6, 0)
    bounds = {"least": least, "most": st.integers(1, 10**6)}
    name = {"name": st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True)}
    kinds: list[dict[str, Any]] = [
        {"type": st.just("number"), **bounds, "default": st.just(0)},
        {"type": st.just("word"), "words": st.lists(words, min_size=1, unique=True)},
        {"type": st.just("flag"), "default": st.booleans()},
    ]
    return st.one_of([st.fixed_dictionaries({**name, **kind}) for kind in kinds])


def test_sizes_by_a_rule_need_a_price_of_any():
    by_rule = FILE.replace("[parameters]", "[sizes.rule]\nstep = 16\n[parameters]")

    assert faults(by_rule) == ["prices.any.1K is missing", "prices.any.2K is missing"]
    priced = by_rule.replace("[prices]", "[prices]\nany = { 1K = '0.04', 2K = '0.07' }")
    assert read(priced).columns["size_rule"] == {"step": 16}
    assert [row.micros for row in read(priced).prices if row.size == "any"] == [40_000, 70_000]


@st.composite
def files(draw: st.DrawFn) -> ModelFile:
    qualities = draw(st.lists(words.filter(lambda word: word != "auto"), min_size=1, unique=True))
    sizes = draw(st.lists(st.sampled_from(["1x1", "16x9", "4096x2160"]), unique=True))
    columns: dict[str, Any] = {
        "maker": draw(words),
        "about": draw(st.text(st.sampled_from("\"\\'é日 #[]={}"))),
        "source": "",
        "tasks": ["generate"],
        "prompt_max_chars": draw(st.integers(1, 10**6)),
        "max_n": draw(st.integers(1, 10)),
        "is_exact": draw(st.booleans()),
        "accepts_auto": False,
        "takes_ratio": draw(st.booleans()),
        "most_references": draw(st.none() | st.integers(1, 16)),
        "default_size": "1x1",
        "qualities": qualities,
        "quality_default": qualities[0],
        "quality_aliases": draw(st.dictionaries(words, words)),
        "formats": draw(st.lists(st.sampled_from(["png", "webp"]))),
        "response_format_default": "url",
        "token_rule": "",
        "parameters": draw(st.lists(parameters(), unique_by=lambda row: row["name"])),
        "sizes": [{"size": size, "preset": draw(words)} for size in sizes],
        "size_rule": draw(st.none() | st.just({"step": 16, "max_ratio": 2.5})),
    }
    prices = []
    for size in sizes:
        width, _, height = size.partition("x")
        prices += [
            row_by(
                BookRow("fox", size, quality, draw(amounts), int(width), int(height)),
                draw(st.none() | pixel_terms()),
            )
            for quality in qualities
        ]
    if columns["size_rule"]:
        prices += [BookRow("fox", "any", word, draw(amounts), 1024, 1024) for word in qualities]
    return ModelFile("fox", columns, prices)


@st.composite
def pixel_terms(draw: st.DrawFn) -> PixelTerms:
    if draw(st.booleans()):
        amounts = [Micros(draw(st.integers(0, 10**6))) for _ in range(2)]
        rounds = draw(st.sampled_from(["up", "nearest", "none"]))
        return by_megapixels(amounts, rounds=rounds, megapixel=draw(st.integers(1_000, 10**9)))
    rising = sorted(draw(st.lists(st.integers(0, 10**9), min_size=2, max_size=2)))
    return by_steps({"1048576": Micros(rising[0]), "999999999": Micros(rising[1])})


@given(files())
def test_any_model_goes_round(file):
    assert read(written(file)) == file
