"""Small private files that are replaced whole, and the locks of folders."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any


def make_private(folder: Path) -> None:
    """Make the folder if it is missing, and close it to other accounts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replace the file by one that only its owner can read, without ever showing half of it."""
    new = path.with_name(f".{path.name}.new")
    # A start that died may have left one, and O_EXCL takes no file that exists.
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write the value as JSON, by `write_private`."""
    write_private(path, json.dumps(value, indent=1) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file; empty if the file is missing or holds none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class FolderLock:
    """An exclusive lock on `FOLDER/lock`, held until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock and write our pid into the file; return False if another has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def owner(self) -> str:
        """Return the pid in the file, for a message; `?` without one."""
        try:
            return self._path.read_text(encoding="ascii").strip() or "?"
        except OSError:
            return "?"


def is_locked(folder: Path) -> bool:
    """True if a process holds the folder's lock."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
