"""Checks before anything starts: folders, locks, disk space, the public port."""

import os
import shutil
import time

from pictor.embedded.errors import RuntimeProblem
from pictor.embedded.files import FolderLock, make_private
from pictor.embedded.layout import Layout
from pictor.embedded.ports import is_free, listen_hosts

FREE_DATA_BYTES = 500 * 1000**2
FREE_RUN_BYTES = 20 * 1000**2
PORT_PATIENCE_SECONDS = 2.0


def make_folders(layout: Layout) -> None:
    """Make the stack's folders. Under root, other accounts may pass through to the data folder.

    An existing run folder that was not made by Pictor keeps its permissions.
    """
    if not layout.run.exists() or (layout.run / "lock").exists():
        make_private(layout.run)
        if os.geteuid() == 0 and layout.data.is_relative_to(layout.run):
            layout.run.chmod(0o711)
    make_private(layout.logs)
    if not layout.data.exists():
        layout.data.mkdir(parents=True)
        layout.data.chmod(0o711 if os.geteuid() == 0 else 0o700)


def take_locks(layout: Layout) -> list[FolderLock]:
    """Take the locks on data and run folder. Raises RuntimeProblem if another run has one."""
    locks = []
    for folder, what in ((layout.data, "with this data"), (layout.run, "in this checkout")):
        lock = FolderLock(folder)
        if not lock.take():
            raise RuntimeProblem(
                f"Pictor is already running {what} ({folder}, process {lock.owner()})."
                " Stop it first, or set PICTOR_DATA and PICTOR_RUN_DIR to other folders."
            )
        locks.append(lock)
    return locks


def check_disk(layout: Layout) -> None:
    """Raise RuntimeProblem if there is too little disk space to start."""
    for folder, needed in ((layout.data, FREE_DATA_BYTES), (layout.run, FREE_RUN_BYTES)):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise RuntimeProblem(
                f"The disk is full: {free // 1000**2} MB free at {folder},"
                f" at least {needed // 1000**2} MB are needed. Free some, or set PICTOR_DATA."
            )


def check_port(layout: Layout) -> None:
    """Raise RuntimeProblem if the public port is still taken after PORT_PATIENCE_SECONDS."""
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while not all(is_free(host, layout.port) for host in listen_hosts(layout.host)):
        if time.monotonic() > deadline:
            raise RuntimeProblem(
                f"Port {layout.port} on {layout.host} is taken or not allowed:"
                f" choose another, for example `make run PORT={min(layout.port + 80, 65_000)}`."
            )
        time.sleep(0.1)
