"""The end of an answer's urls, and the error when no url can be signed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from generation.api.shown import with_urls
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit.words import clock
from pictor.kit.words.errors import Unavailable
from storage.models import StoredImage
from tests.fakes.token_services import chain_of_its_own, nothing_else, session

NOW = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
FINISHED = Finished(
    Generation(id=UUID(int=1)),
    tuple(StoredImage(object_key=f"{n}.png", content_type="image/png") for n in range(2)),
)


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def found(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[Callable[[dict[str, str]], None]]:
    """Set the environment in which storage's credential chain looks."""

    def set_environment(env: dict[str, str]) -> None:
        for name, value in {**nothing_else(tmp_path), **env}.items():
            monkeypatch.setenv(name, value)
        default = settings.STORAGES["default"]
        options = {**default["OPTIONS"], "credentials": "chain"}
        settings.STORAGES = {**settings.STORAGES, "default": {**default, "OPTIONS": options}}

    with chain_of_its_own():
        yield set_environment


def seconds_of(url: str | None) -> list[str]:
    return parse_qs(urlsplit(url or "").query)["X-Amz-Expires"]


def test_urls_end_an_hour_from_now():
    result = with_urls(FINISHED)

    assert result.url_expires_at == NOW.timestamp() // 1 + 3600
    assert [seconds_of(image.url) for image in result.data] == [["3600"], ["3600"]]


def test_urls_end_with_the_credentials_that_sign_them_and_the_answer_says_so(found):
    # In the far future: botocore has its own clock and rejects expired credentials.
    ends_at = datetime(2126, 11, 20, 12, 10, 0, tzinfo=UTC)
    found(session("AKIAEXAMPLE", ends_at=ends_at))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: ends_at - timedelta(seconds=599.75))
        result = with_urls(FINISHED)

    assert result.url_expires_at == ends_at.timestamp()
    assert [seconds_of(image.url) for image in result.data] == [["600"], ["600"]]


def test_without_credentials_a_caller_is_told_to_come_again(found):
    found({})

    with pytest.raises(Unavailable) as refused:
        with_urls(FINISHED)

    assert str(refused.value) == (
        "The image is stored, but cannot be read at the moment. Fetch it later:"
        " GET /v1/images/generations/gen_00000000000000000000000001"
    )
