"""The last lines of a start: the first image and suggestions."""

from collections.abc import Mapping
from datetime import timedelta

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.first_image import PATH, FirstImage, request_body
from pictor.embedded.layout import Layout
from pictor.embedded.progress import Progress
from pictor.kit.secrets import passes
from pictor.kit.words import clock

OPENS_FOR = timedelta(hours=1)
"""Validity of the sign-in address that is printed."""


def show_first_image(progress: Progress, image: FirstImage | RuntimeProblem) -> None:
    """Show the image's address and price, or the reason for its failure.

    A failure does not stop the start: the operator may have revoked the demo key or disabled the
    channel.
    """
    if isinstance(image, RuntimeProblem):
        progress.trouble(str(image))
        return
    progress.done("first image", image.seconds, f"cost {image.cost} USD")
    progress.line(f"    {image.url}")


def show_welcome(
    progress: Progress, layout: Layout, env: Mapping[str, str], *, has_key: bool
) -> None:
    """Show addresses, the demo account and, if the demo key still works, a curl line to paste."""
    key = env["PICTOR_DEMO_API_KEY"]
    gone = "the demo key no longer works: make another in the console"
    progress.line()
    progress.title(f"Pictor is ready after {progress.elapsed():.1f} s")
    progress.table(
        [
            ("API", f"{layout.base_url}/v1"),
            ("API key", key if has_key else gone),
            ("console", _console(layout, env) if has_key else f"{layout.base_url}/console/"),
            ("operations", f"{layout.base_url}/ops/"),
            ("sign in", f"{env['PICTOR_DEMO_EMAIL']}  {env['PICTOR_DEMO_PASSWORD']}"),
            ("metrics", f"{layout.base_url}/metrics"),
            ("logs", str(layout.logs)),
        ]
    )
    if has_key:
        progress.line()
        progress.line("Open the console's address in a browser: it signs you in, for an hour. Or:")
        progress.line(f"curl {layout.base_url}{PATH} -H 'Authorization: Bearer {key}' \\")
        progress.line(f"  -d '{request_body()}'")
    progress.line()
    progress.line("Ctrl-C stops everything.")


def _console(layout: Layout, env: Mapping[str, str]) -> str:
    """Return the console's address, which for OPENS_FOR signs in without a password.

    It does not sign in if SECRET_KEY, which signs the pass, is in a file, since that is not read.
    """
    secret = env.get("SECRET_KEY", "")
    if not secret:
        return f"{layout.base_url}/console/"
    until = clock.now() + OPENS_FOR
    return f"{layout.base_url}/open/{passes.issue(passes.OPEN_DEMO, secret=secret, until=until)}/"
