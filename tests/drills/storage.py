"""S3 away under load, in each possible way, and S3 with a private certificate authority."""

import ssl
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.drills.ground import EACH, Ground
from tests.drills.load import seconds_of
from tests.drills.report import Result
from tests.drills.trial import Trial, trial
from tests.fakes.authorities import make_authority, make_certificate_by
from tests.fakes.s3_away import FAILURES, S3Front, front_of
from tests.fakes.s3_front import Issued, s3_front

PER_SECOND = 4
USUAL_SECONDS, AWAY_SECONDS, AFTER_SECONDS = 10, 100, 15
NOTICED_SECONDS = 12
"""By then each worker has closed its gate, and said so with its lease."""
IN_HAND_SECONDS = 2
"""Images of requests sent this shortly before S3 went may not be stored yet."""
RECOVERED_SECONDS = 5
"""Requests sent later than this after S3 is back take as long as usual."""
MAX_BOUGHT = 10 * PER_SECOND + 4 * EACH
"""Calls that may begin after S3 went: arrivals of 10 s, and four for each image worker."""


def _away(ground: Ground, how: str) -> Result:
    with front_of(ground.s3.url) as front, ground.site(S3_ENDPOINT_URL=front.url) as site:
        site.is_storing()
        with trial(site, _name(how), per_second=PER_SECOND) as run:
            run.load.goes_on(USUAL_SECONDS)
            bought, back_at = _without_s3(run, front, how)
            run.load.goes_on(AFTER_SECONDS)
        usual_until = run.began + USUAL_SECONDS - IN_HAND_SECONDS
        usual = seconds_of(run.load.sent_between(run.began, usual_until))[1]
        late = run.load.sent_between(back_at)
        after = run.p95_as_usual(usual, run.load.sent_between(back_at + RECOVERED_SECONDS))
        run.nothing_failed()
        run.check(bought <= MAX_BOUGHT, f"{bought} calls began while S3 was away")
        lost = run.lost()
        run.check(lost == 0, f"{lost} images were bought and lost")
        return run.result(
            f"S3 {how} for {AWAY_SECONDS} s, {PER_SECOND} requests a second",
            f"{bought} calls begun meanwhile, none lost; p95 usual {usual:.2f} s, sent after its"
            f" return {seconds_of(late)[1]:.2f} s, from {RECOVERED_SECONDS} s later {after:.2f} s",
        )


def _without_s3(run: Trial, front: S3Front, how: str) -> tuple[int, float]:
    """Calls that began meanwhile, and the time at which S3 was back (monotonic)."""
    before = run.bought()
    front.fails(how)
    run.load.goes_on(NOTICED_SECONDS)
    run.check(run.site.storage() is False, "/readyz says that nothing can be stored")
    run.load.goes_on(AWAY_SECONDS - NOTICED_SECONDS)
    bought = run.bought() - before
    front.passes()
    return bought, time.monotonic()


def _name(how: str) -> str:
    return f"s3-{how.replace(' ', '-')}"


AWAY = {_name(how): partial(_away, how=how) for how in FAILURES}
"""Drills by name."""


def own_ca(ground: Ground) -> Result:
    """Processes run without the authority's bundle first, then with it."""
    with tempfile.TemporaryDirectory(prefix="pictor-ca-") as folder:
        authority = make_authority(Path(folder))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(make_certificate_by(authority, "localhost"))
        ours = Issued(ground.s3.key_id, ground.s3.secret)
        known = {ours.access_key: ours}
        with s3_front(ground.s3.url, ours, known=known.get, tls=tls) as front:
            return _with_ca(ground, front.url, str(authority))


def _with_ca(ground: Ground, url: str, bundle: str) -> Result:
    with ground.site(S3_ENDPOINT_URL=url) as site, trial(site, "s3-own-ca") as run:
        run.load.goes_on(10)
        blind, storage = run.bought(), site.storage()
        for kind in ("short", "images", "web"):
            site.renew(kind, S3_CA_BUNDLE=bundle)
        renewed_at = time.monotonic()
        site.is_storing()
        run.load.goes_on(10)
    p95 = seconds_of(run.load.sent_between(renewed_at + RECOVERED_SECONDS))[1]
    run.nothing_failed()
    run.check(blind == 0, f"{blind} calls began that could not be stored")
    run.check(storage is False, "/readyz says that nothing can be stored")
    return run.result(
        "10 s without `S3_CA_BUNDLE`, then every process restarted with it",
        f"{blind} calls begun without the bundle; p95 with it {p95:.2f} s",
    )
