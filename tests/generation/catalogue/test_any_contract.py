"""Whatever a model's file promises: no request breaks it, and none costs more than was quoted."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.price_rows import AUTO
from billing.pricing import PricedRequest, PriceTable, due, least, quote
from billing.token_formula import GPT_IMAGE_2, Delivered
from generation.admission.rules import Order, check
from generation.catalogue.contracts import ContractTerms, contract_from
from generation.catalogue.model_files import ModelFile, read
from pictor.kit.words.errors import InvalidRequest

SIZES = ["256x256", "1024x1024", "1376x768", "2048x2048", "4096x2160"]
WORDS = ["low", "medium", "high", "1K", "xhigh", "standard"]
RULE = (
    "sizes.rule = { step = 16, min_side = 64, max_side = 4096, min_pixels = 4096,"
    " max_pixels = 4194304, max_ratio = 3 }"
)
BY_RULE = ["1008x1344", "64x64", "2048x2048", "3536x1184", "1008x1345"]
amounts = st.integers(0, 5_000_000).map(lambda micros: f"{micros / 10**6:.6f}")


def steps(pair: tuple[str, str]) -> str:
    """A price in two steps that covers every size."""
    small, large = sorted(pair, key=float)
    return f'{{ steps = {{ 1048576 = "{small}", 999999999 = "{large}" }} }}'


@st.composite
def model_files(draw: st.DrawFn) -> ModelFile:
    """Any file: sizes by list or rule, prices by pixels, by cell or held for auto, references."""
    sizes = draw(st.lists(st.sampled_from(SIZES), min_size=1, unique=True))
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, unique=True))
    has_auto, has_rule = draw(st.booleans()), draw(st.booleans())
    by_pixels = '{{ megapixels = ["{}", "{}"], round = "{}" }}'
    prices = [
        f'any."{word}" = '
        + draw(
            st.builds(
                by_pixels.format, amounts, amounts, st.sampled_from(["up", "nearest", "none"])
            )
            | amounts.map('"{}"'.format)
            | st.tuples(amounts, amounts).map(steps)
        )
        for word in words
    ]
    if has_auto:
        by = ', by = "formula"' if has_rule and {*words} <= {"low", "medium", "high"} else ""
        prices += [
            f'auto."{word}" = {{ price = "{draw(amounts)}", up_to = "2048x2048"{by} }}'
            for word in words
        ]
    by_their_pixels = 'megapixels = ["0.015", "0.01"], up_to = "2048x2048"'
    references = draw(
        st.sampled_from(["", "most = 2", 'price = "0.015"', 'price = "0.05"{}', by_their_pixels])
    )
    by_tokens = ', by = "tokens"' if has_rule else ""
    rows = "".join(f'{{ size = "{size}", tier = "{size[:2]}" }}, ' for size in sizes)
    return read(
        f"""
        model = "fox"
        tasks = ["generate"]
        prompt_max_chars = {draw(st.integers(1, 9))}
        max_n = {draw(st.integers(1, 10))}
        auto = {str(has_auto).lower()}
        ratios = {str(draw(st.booleans())).lower()}
        default_size = "{AUTO if has_auto else sizes[0]}"
        qualities = {[*words, *([AUTO] if draw(st.booleans()) else [])]}
        default_quality = "{words[0]}"
        tokens = "{GPT_IMAGE_2 if has_rule else ""}"
        references = {{ {references.format(by_tokens)} }}
        sizes.list = [{rows}]
        {draw(st.sampled_from(["", RULE]))}
        parameters.seed = {{ type = "integer", least = 0, most = 5 }}
        [prices]
        """
        + "\n".join(prices)
    )


@st.composite
def requests(draw: st.DrawFn, contract: ContractTerms) -> dict[str, Any]:
    """Any request whose shapes were checked, mostly one that the contract takes."""
    odd = st.text(max_size=3)
    own = st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(-1, 6) | st.none() | odd,
            "aspect_ratio": st.sampled_from([*(one.ratio for one in contract.options), "9:1"]),
            "resolution": st.sampled_from([*(one.tier for one in contract.options), "9K"]),
        },
    )
    return {
        "model": "fox",
        "prompt": draw(st.text(max_size=9)),
        "parameters": draw(own),
        **draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "n": st.integers(1, contract.max_n + 1),
                    "size": st.sampled_from([*contract.size_names, *BY_RULE]) | odd,
                    "quality": st.sampled_from(contract.qualities) | odd,
                    "image": st.lists(st.just("input"), max_size=3),
                },
            )
        ),
    }


def ordered(contract: ContractTerms, request: dict[str, Any]) -> Order | None:
    try:
        return check(contract, request)
    except InvalidRequest:
        return None


pixels = st.builds(Delivered, st.integers(1, 8192), st.integers(1, 8192))


@given(st.data(), model_files(), st.decimals("0.1", "3", places=2))
def test_no_request_costs_more_than_its_quote_and_less_pixels_cost_no_more(data, file, markup):
    contract = contract_from({"model": "fox", "created": 0, **file.columns})
    table = PriceTable((1,), {
        row.key: row.priced(Decimal(markup)) for row in file.prices
    }, datetime(2027, 1, 1, tzinfo=UTC))  # fmt: skip
    order = ordered(contract, data.draw(requests(contract)))
    if order is None:
        return

    quoted = quote(
        table, model="fox", size=order.size, quality=order.quality, n=order.n,
        references=order.references, sold=contract.qualities,
        infers=contract.token_rule == GPT_IMAGE_2,
    )  # fmt: skip
    delivered = data.draw(st.lists(pixels, max_size=order.n))
    reported = data.draw(st.sampled_from([None, *WORDS]))
    evidence: dict[str, Any] = {
        "priced": PricedRequest.from_json(quoted.priced.as_json()),
        "reported_quality": reported,
        "output_tokens": data.draw(st.none() | st.integers(-1, 10**5)),
        "hold": quoted.total,
        "input_image_tokens": data.draw(st.integers(0, 10**5)),
        "reference_pixels": [data.draw(st.integers(0, 10**8)) for _ in range(order.references)],
    }
    bill = due(table, delivered=delivered, **evidence)
    assert 0 <= bill.total <= quoted.total
    assert (bill.total == 0) or delivered
    assert least(table, quoted.priced) <= quoted.total
    if order.size == AUTO or not delivered:
        return
    width, height = map(int, order.size.split("x"))
    whole = [Delivered(width, height)] * len(delivered)
    smaller = [replace(one, width=min(one.width, width), height=min(one.height, height))
               for one in delivered]  # fmt: skip
    as_asked = {**evidence, "reported_quality": order.quality, "output_tokens": None}
    assert (
        due(table, delivered=smaller, **as_asked).total
        <= due(table, delivered=whole, **as_asked).total
    )
