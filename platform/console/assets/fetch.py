"""Rebuild static/console/vendor/ and templates/icons/ from their npm packages.

Run `python platform/console/assets/fetch.py`; it needs npm, which otherwise only the Node client's
test needs. Writes VENDOR.md with each file's package, version, licence, path inside the package and
sha256.
"""

import hashlib
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
VENDOR = HERE / "static" / "console" / "vendor"
ICONS = HERE / "templates" / "icons"
ICON_NAMES = ("copy", "monitor", "moon", "sun")
NAVIGATION = VENDOR / "navigation.svg"
PAGE_ICONS = {
    "overview": "gauge", "playground": "wand-sparkles", "generations": "images",
    "keys": "key-round", "webhooks": "webhook", "usage": "chart-column", "billing": "wallet",
    "ledger": "book-open-text",
    "statements": "file-text", "prices": "tag", "members": "users", "audit": "scroll-text",
    "settings": "settings", "moves": "hourglass", "requests": "activity",
    "incidents": "triangle-alert", "system": "server", "channels": "cable", "models": "box",
    "price_lists": "tags", "tenants": "building-2", "margin": "trending-up",
    "payments": "credit-card",
    "reconciliation": "scale", "alerts": "bell", "staff": "user-cog",
}  # fmt: skip
"""The navigation's icons, by the names of its pages."""
SOURCE_MAP = re.compile(rb"\n?//# sourceMappingURL=.*")


@dataclass(frozen=True)
class Package:
    """An npm package, its licence, and the targets of its files that we use."""

    name: str
    version: str
    licence: str
    files: dict[str, Path]


PACKAGES = (
    Package("htmx.org", "4.0.1", "0BSD", {"dist/htmx.min.js": VENDOR / "htmx.min.js"}),
    Package(
        "@fontsource-variable/geist",
        "5.3.0",
        "OFL-1.1",
        {"files/geist-latin-wght-normal.woff2": VENDOR / "geist.woff2"},
    ),
    Package(
        "@fontsource-variable/geist-mono",
        "5.3.0",
        "OFL-1.1",
        {"files/geist-mono-latin-wght-normal.woff2": VENDOR / "geist-mono.woff2"},
    ),
    Package(
        "lucide-static",
        "1.62.0",
        "ISC",
        {f"icons/{name}.svg": ICONS / f"{name}.svg" for name in ICON_NAMES},
    ),
)


def fetch(package: Package, folder: Path) -> tarfile.TarFile:
    """Download the package as published. Raises CalledProcessError if npm cannot get it."""
    packed = subprocess.run(  # noqa: S603 (names and versions stand above)
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],  # noqa: S607 - whichever npm a developer has
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return tarfile.open(folder / packed.stdout.strip())


def served(name: str, content: bytes) -> bytes:
    """Our version of a published file: scripts without source maps, icons with our stroke."""
    if name.endswith(".js"):
        return SOURCE_MAP.sub(b"", content)
    if name.endswith(".svg"):
        text = re.sub(rb"<!--[^<]*-->\s*", b"", content)
        text = re.sub(rb'(?<!\s)\s+class="[^"]*"', b"", text)
        text = text.replace(b'width="24"', b'width="20"').replace(b'height="24"', b'height="20"')
        text = text.replace(b'stroke-width="2"', b'stroke-width="1.5" aria-hidden="true"')
        return re.sub(rb"\s+", b" ", text).replace(b"> <", b"><").strip() + b"\n"
    return content


def as_symbol(page: str, icon: bytes) -> bytes:
    """An icon as a part of the navigation's one file."""
    shapes = served("icon.svg", icon).partition(b">")[2].replace(b"</svg>", b"").strip()
    return b'<symbol id="%s" viewBox="0 0 24 24">%s</symbol>\n' % (page.encode(), shapes)


def write_navigation(icons: Package, folder: Path) -> str:
    """Write the navigation's icons into one file; return its line in the list."""
    with fetch(icons, folder) as packed:
        symbols = [
            as_symbol(page, member.read())
            for page, icon in PAGE_ICONS.items()
            if (member := packed.extractfile(f"package/icons/{icon}.svg"))
        ]
    sprite = b'<svg xmlns="http://www.w3.org/2000/svg">\n' + b"".join(symbols) + b"</svg>\n"
    NAVIGATION.write_bytes(sprite)
    return (
        f"| `{NAVIGATION.relative_to(HERE)}` | {icons.name} {icons.version} |"
        f" {icons.licence} | `icons/`: {', '.join(PAGE_ICONS.values())} | |"
    )


def main() -> None:
    """Write the files, and then their list."""
    lines = [
        "# Files of others",
        "",
        "Made by `platform/console/assets/fetch.py`: scripts without their source map lines,",
        "icons with a 1.5 px stroke. The sums are of the files as published.",
        "",
        "| file | package | licence | path in the package | sha256 as published |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        for package in PACKAGES:
            with fetch(package, Path(name)) as packed:
                for source, target in package.files.items():
                    member = packed.extractfile(f"package/{source}")
                    content = member.read() if member else b""
                    digest = hashlib.sha256(content).hexdigest()
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(served(source, content))
                    lines.append(
                        f"| `{target.relative_to(HERE)}` | {package.name} {package.version} |"
                        f" {package.licence} | `{source}` | `{digest}` |"
                    )
        lines.append(write_navigation(PACKAGES[-1], Path(name)))
    (VENDOR / "VENDOR.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
