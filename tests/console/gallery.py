"""Pictures of a workspace with a past: `python -m tests.console.gallery`, for `make screenshots`.

The tests' own stack has no demo history. Here the embedded default runs as a new user starts it,
with 90 days of generations; pages of the demo workspace, and of the operator's console with demo
data, are taken in every look.
"""

import os
import sys
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, sync_playwright

from tests.console.browser import CHROMIUM, LOOKS, keep, looking
from tests.console.ops.links import opened, pages_found
from tests.stack.servers import Stack, start_stack, stop_stack
from tests.stack.stack_processes import until

PAGES = {
    "overview": "", "playground": "playground/", "generations": "generations/",
    "gallery": "generations/?view=gallery", "generation": "generations/{generation}/",
    "keys": "keys/", "key": "keys/{key}/", "webhooks": "webhooks/", "usage": "usage/",
    "usage-keys": "usage/?period=90d&split=key", "usage-failed": "usage/?period=90d&show=failed",
    "billing": "billing/?proof=1", "ledger": "billing/ledger/", "statements": "billing/statements/",
    "prices": "billing/prices/", "members": "members/", "audit": "audit/", "settings": "settings/",
}  # fmt: skip
"""Paths below the workspace, by the picture's name."""
PUBLIC = {"landing": "/", "pricing": "/pricing/", "docs": "/docs/", "status": "/status/"}


def main() -> int:
    """Take all pictures; return the exit status."""
    if not (CHROMIUM and os.environ.get("PICTOR_SCREENSHOTS")):
        sys.stderr.write("PICTOR_SCREENSHOTS names no folder, or there is no chromium\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="pictor-gallery-") as folder:
        stack = start_stack(Path(folder), PICTOR_DEMO_HISTORY="1", PICTOR_FIRST_IMAGE="1")
        try:
            painted = stack.run_dir / "log" / "pictures.log"
            until(lambda: painted.exists() and "painted" in painted.read_text(), seconds=300)
            _take(stack)
        finally:
            stop_stack(stack)
    return 0


def _take(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, trust_env=False) as client:
        ids = {
            "generation": client.get("/v1/images/generations?limit=1").json()["data"][0]["id"],
            "key": client.get("/v1/api_keys").json()["data"][-1]["id"],
        }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for look in LOOKS:
            with looking(browser, stack.base_url, look) as context:
                home = _signed_in(context, stack)
                page = context.new_page()
                for name, path in PAGES.items():
                    page.goto(home + path.format(**ids))
                    keep(page, f"history-{name}-{look.name}")
                for kind, path in _operators_pages(context, stack).items():
                    page.goto(path)
                    keep(page, f"demo{kind.replace('/', '-')}{look.name}")
                for name, path in PUBLIC.items():
                    page.goto(path)
                    keep(page, f"public-{name}-{look.name}")
        browser.close()


def _operators_pages(context: BrowserContext, stack: Stack) -> dict[str, str]:
    """Return the operator's pages once demo sales are counted, which happens each minute."""
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
    with httpx.Client(base_url=stack.base_url, cookies=cookies, trust_env=False) as client:
        channels = "/ops/channels/?mode=demo"
        until(lambda: "nothing sold" not in opened(client, channels).text, seconds=300)
        return pages_found(client, "demo")


def _signed_in(context: BrowserContext, stack: Stack) -> str:
    """Sign in as the demo's owner; return the address of the demo workspace."""
    page = context.new_page()
    page.goto("/accounts/login/?next=/console/")
    page.locator("[name=login]").fill(stack.env["PICTOR_DEMO_EMAIL"])
    page.locator("[name=password]").fill(stack.env["PICTOR_DEMO_PASSWORD"])
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/console/*/")
    home = page.url
    page.close()
    return home


if __name__ == "__main__":
    sys.exit(main())
