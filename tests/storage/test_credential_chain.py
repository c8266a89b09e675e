"""Credentials by botocore's chain, from services whose credentials end within seconds."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.words import clock
from storage import backends, credential_chain, services
from storage.backends import bucket
from storage.credential_chain import Chain
from storage.signing import Signer
from storage.wire import StorageFailed
from tests.fakes.s3_front import Front, Issued, s3_front
from tests.fakes.token_services import (
    TokenServices,
    chain_of_its_own,
    nothing_else,
    session,
    token_services,
)
from tests.storage.conftest import ACCESS_KEY, SECRET_KEY, S3Server

pytestmark = pytest.mark.thorough

LIFE_SECONDS = 6
"""A third of it is left when it is renewed: that long a signed request has to arrive."""
LOAD_SECONDS = 12
BETWEEN_SECONDS = 0.1
"""Pause between a lane's calls: the pace of callers, not the highest possible."""
LEAST_OF_LANE = 50
"""Requests of a lane, however slow the machine is."""
KINDS = ("container", "instance", "web identity")
KEY = "20261120/7f3/by-chain.png"
OURS = Issued(ACCESS_KEY, SECRET_KEY)
PATIENCE_SECONDS = 20

Found = Callable[[dict[str, str]], None]
Spooled = Callable[[bytes], SpoolFile]


@pytest.fixture(autouse=True)
def of_its_own() -> Iterator[None]:
    with chain_of_its_own():
        yield


@pytest.fixture
def found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, configured: Callable[..., None]
) -> Found:
    """Set the environment in which the chain looks, and let storage use the chain."""

    def set_environment(env: dict[str, str]) -> None:
        for name, value in {**nothing_else(tmp_path), **env}.items():
            monkeypatch.setenv(name, value)
        configured(credentials="chain", access_key="", secret_key="")

    return set_environment


@pytest.fixture
def tokens() -> Iterator[TokenServices]:
    with token_services(LIFE_SECONDS) as services:
        yield services


@pytest.fixture
def serve(tokens: TokenServices, found: Found, tmp_path: Path) -> Callable[[str], None]:
    """Let the chain find one kind of service."""
    return lambda kind: found(tokens.environment(kind, tmp_path))


@pytest.fixture
def front(s3: S3Server, tokens: TokenServices, configured: Callable[..., None]) -> Iterator[Front]:
    """An S3 that knows only the issued credentials, and refuses them once they have ended."""
    with s3_front(s3.url, OURS, known=tokens.issued.get) as front:
        configured(endpoint_url=front.url, public_endpoint_url=front.url)
        yield front


async def upload_on_a_loop(ends_at: float, spooled: Spooled) -> int:
    """Upload images in four lanes until `ends_at`, or until they are many; return their number."""

    async def lane(number: int) -> int:
        spool, done = spooled(b"a small picture"), 0
        while time.monotonic() < ends_at or done < LEAST_OF_LANE:
            key = f"20261120/7f3/loop-{number}-{done}.png"
            await services.upload_on_loop(key, spool, content_type="image/png")
            await asyncio.sleep(BETWEEN_SECONDS)
            done += 1
        return done

    return sum(await asyncio.gather(*map(lane, range(4))))


def use_in_threads(ends_at: float, spooled: Spooled) -> int:
    """The same with the wire, a url and boto3 in two threads; return the number of requests."""

    def lane(number: int) -> int:
        folder, done = f"20261120/thread-{number}/", 0
        key = f"{folder}1.png"
        with httpx.Client(trust_env=False) as client:
            while time.monotonic() < ends_at or done < LEAST_OF_LANE:
                services.upload(key, spooled(b"picture"), content_type="image/png")
                assert list(services.open_stream(key)) == [b"picture"]
                url = services.signed_url(key, content_type="image/png")
                assert client.get(url).content == b"picture"
                assert list(bucket.names_under(folder, before="3")) == [[key]]
                services.delete_objects([key])
                time.sleep(BETWEEN_SECONDS)
                done += 5
        return done

    with ThreadPoolExecutor(2) as threads:
        return sum(threads.map(lane, range(2)))


@pytest.mark.parametrize("kind", KINDS)
def test_under_load_nothing_fails_while_credentials_end_again_and_again(
    kind, serve, front, spooled
):
    serve(kind)
    backends.refuse_to_serve()  # servers have their credentials before they serve, too
    ends_at = time.monotonic() + LOAD_SECONDS

    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(use_in_threads, ends_at, spooled)
        on_loop = asyncio.run(upload_on_a_loop(ends_at, spooled))
    in_threads = others.result()

    assert front.codes == {"passed": on_loop + in_threads}, front.asked
    assert on_loop >= 150
    assert in_threads >= 100
    assert len(front.keys) >= 3


def test_a_url_ends_with_the_credentials_that_signed_it(tokens, serve, front, spooled):
    serve("web identity")
    services.upload(KEY, spooled(b"picture"), content_type="image/png")
    url = services.signed_url(KEY, content_type="image/png")
    before = httpx.get(url, trust_env=False)
    until(lambda: has_ended(next(iter(tokens.issued.values()))))

    after = httpx.get(url, trust_env=False)

    assert (before.status_code, before.content) == (200, b"picture")
    assert after.status_code == 403
    assert services.open_stream(KEY).read() == b"picture"


def has_ended(issued: Issued) -> bool:
    return issued.expires_at is not None and clock.now() > issued.expires_at


def test_without_its_service_a_process_uses_what_it_has_to_its_end(
    tokens, serve, front, spooled, caplog
):
    serve("instance")
    picture = spooled(b"picture")
    services.upload(KEY, picture, content_type="image/png")
    tokens.is_away = True
    until(lambda: "are not renewed: botocore's chain finds no credentials" in caplog.text)
    services.upload(KEY, picture, content_type="image/png")
    until(lambda: expire_seconds() == 0)

    with pytest.raises(StorageFailed, match="the credentials ended at "):
        services.upload(KEY, picture, content_type="image/png")
    with pytest.raises(StorageFailed, match="the credentials ended at "):
        services.delete_objects([KEY])
    tokens.is_away = False
    until(lambda: expire_seconds() > 0)
    services.upload(KEY, picture, content_type="image/png")

    assert set(front.codes) == {"passed"}


def test_an_instances_credentials_end_when_it_says_so(tokens, serve):
    serve("instance")

    with ended(Chain("us-east-1")) as one:
        ends_at = one.signer().expires_at

    assert ends_at in {issued.expires_at for issued in tokens.issued.values()}


def test_many_callers_at_once_ask_for_credentials_once(tokens, serve):
    serve("web identity")

    with ended(Chain("us-east-1")) as one, ThreadPoolExecutor(8) as threads:
        signers = set(threads.map(lambda _: one.signer(), range(8)))

    assert len(signers) == 1
    assert tokens.asked == {"/": 1}


def test_a_session_that_is_said_to_end_ends_urls_with_it(found, monkeypatch):
    now = clock.now().replace(microsecond=700_000)
    monkeypatch.setattr(clock, "now", lambda: now)
    found(session("AKIAEXAMPLE", ends_at=now.replace(microsecond=0) + timedelta(minutes=20)))

    url = services.signed_url(KEY, content_type="image/png")

    assert services.url_seconds() == 1200
    assert services.url_seconds(60) == 60
    assert "&X-Amz-Expires=1200&" in url
    assert (
        "?response-content-type=image%2Fpng&response-cache-control=private%2C%20max-age%3D1200&"
        in url
    )
    assert expire_seconds() == pytest.approx(1199.3)


def test_a_session_of_which_nobody_says_when_it_ends_is_good_for_as_long_as_any(found):
    found(session("AKIAEXAMPLE"))

    assert services.url_seconds() == 3600
    assert expire_seconds() == float("inf")


def test_a_shared_file_is_looked_at_again(found, monkeypatch, tmp_path):
    monkeypatch.setattr(credential_chain, "LOOK_SECONDS", 0.02)
    found({})
    file = tmp_path / "credentials"
    written = "[default]\naws_access_key_id = {}\naws_secret_access_key = secret\n"
    file.write_text(written.format("AKIAFIRST"))
    first = services.signed_url(KEY, content_type="image/png")

    file.write_text(written.format("AKIASECOND"))

    assert "AKIAFIRST%2F" in first
    until(lambda: "AKIASECOND%2F" in services.signed_url(KEY, content_type="image/png"))


def test_a_server_without_credentials_ends_with_one_clear_line(found):
    found({})

    with pytest.raises(SystemExit) as stopped:
        backends.refuse_to_serve()

    assert str(stopped.value) == (
        "S3_CREDENTIALS=chain: botocore's chain finds no credentials."
        " See docs/operations/install.md."
    )


class Pauses(list[float]):
    """A chain's pauses between its tries, recorded without waiting; it ends after `count`."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def wait(self, seconds: float) -> bool:
        self.append(round(seconds, 3))
        return len(self) == self._count


@pytest.mark.parametrize(
    ("tries", "pauses"),
    [
        ([3600], [600, 2400]),
        ([None, None, 900], [600, 0.2, 0.4, 600]),
        ([None] * 10, [600, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]),
        ([None, 900, None], [600, 0.2, 600, 0.2]),
        ([0.15], [600, 0.2]),
        ([float("inf")], [600, 60]),
    ],
)
def test_two_thirds_of_a_life_pass_before_a_renewal_and_after_a_failure_ever_more(
    monkeypatch, tries, pauses
):
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    lives = iter([900, *tries])

    def signer_for(region: str) -> Signer:
        if (life := next(lives)) is None:
            raise StorageFailed("away")
        end = None if life == float("inf") else now + timedelta(seconds=life)
        return Signer("key", "secret", region, expires_at=end)

    monkeypatch.setattr(credential_chain, "_search_chain", signer_for)
    waited = Pauses(len(pauses))
    one = Chain("us-east-1")
    monkeypatch.setattr(one, "_signer", signer_for("us-east-1"))
    monkeypatch.setattr(one, "_is_over", waited)

    one._renew()  # noqa: SLF001 - what its thread does

    assert waited == pauses


@contextmanager
def ended(chain: Chain) -> Iterator[Chain]:
    """Yield a chain whose thread ends with the block."""
    yield chain
    chain.end()


def expire_seconds() -> float:
    """The value of the metric."""
    found = REGISTRY.get_sample_value("pictor_s3_credentials_expire_seconds")
    assert found is not None
    return found


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
