"""The last lines of a start: the first image, and what to try next."""

from collections.abc import Mapping

from pictor.runtime.errors import RuntimeProblem
from pictor.runtime.first_image import PATH, FirstImageRequest, request_body
from pictor.runtime.layout import Layout
from pictor.runtime.progress import Progress


def show_first_image(progress: Progress, request: FirstImageRequest) -> None:
    """The image's address and price, or why there is none.

    None is no reason to stop: the operator may have revoked the demo key or disabled the channel.
    """
    try:
        image = request.result()
    except RuntimeProblem as problem:
        progress.trouble(str(problem))
        return
    progress.done("first image", request.seconds, f"cost {image.cost} USD")
    progress.line(f"    {image.url}")


def show_welcome(progress: Progress, layout: Layout, env: Mapping[str, str]) -> None:
    """Addresses, the demo account, and a line to paste."""
    key = env["PICTOR_DEMO_API_KEY"]
    progress.line()
    progress.title(f"Pictor is ready after {progress.elapsed():.1f} s")
    progress.table(
        [
            ("API", f"{layout.base_url}/v1"),
            ("API key", key),
            ("console", f"{layout.base_url}/console/"),
            ("admin", f"{layout.base_url}/admin/"),
            ("sign in", f"{env['PICTOR_DEMO_EMAIL']}  {env['PICTOR_DEMO_PASSWORD']}"),
            ("logs", str(layout.logs)),
        ]
    )
    progress.line()
    progress.line(f"curl {layout.base_url}{PATH} -H 'Authorization: Bearer {key}' \\")
    progress.line(f"  -d '{request_body()}'")
    progress.line()
    progress.line("Ctrl-C stops everything.")
