"""Writes what is installed here as a CycloneDX 1.6 document: `python deploy/sbom.py LOCK`.

Names, versions and hashes are the lock file's; packages that are not installed are left out. Ends
with a line where something is installed that the lock file does not pin, or in another version.
"""

import json
import re
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from pictor import __version__

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str, installed: dict[str, str]) -> list[dict[str, Any]]:
    """The packages of the lock file that are installed. Ends the process where the two differ."""
    packages: list[dict[str, Any]] = []
    for entry in re.split(r"\n(?=\S)", lock):
        pinned = PINNED.match(entry)
        if pinned and installed.get(pinned[1]) == pinned[2]:
            packages.append(
                {
                    "type": "library",
                    "name": pinned[1],
                    "version": pinned[2],
                    "purl": f"pkg:pypi/{pinned[1]}@{pinned[2]}",
                    "hashes": [
                        {"alg": "SHA-256", "content": digest} for digest in HASH.findall(entry)
                    ],
                }
            )
    if strangers := installed.keys() - {package["name"] for package in packages}:
        raise SystemExit(f"not as the lock file pins it: {', '.join(sorted(strangers))}")
    return packages


def document(packages: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole of it, without a time: the same lock file makes the same document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "pictor", "version": __version__}
        },
        "components": packages,
    }


def here() -> dict[str, str]:
    """Version by normalized name (PEP 503), but for pip, which only installs."""
    installed = {
        re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower(): distribution.version
        for distribution in distributions()
    }
    return {
        name: version for name, version in installed.items() if name not in {"pip", "setuptools"}
    }


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    json.dump(document(components(text, here())), sys.stdout, indent=1)
