#!/usr/bin/env python
"""`pictor` in a checkout, with the project's packages on the import path."""

import sys
from pathlib import Path


def main() -> None:
    """Run one command: see pictor/__main__.py."""
    root = Path(__file__).resolve().parent
    sys.path[:0] = [str(root), str(root / "platform")]

    from pictor.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
