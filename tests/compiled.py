"""The files of tests compiled once, by the head of the processes that run them: a plugin.

Loaded with `-p tests.compiled`. pytest compiles a file by itself, its assertions rewritten, and
each process would do that with all of them. What is compiled lies in `__pycache__`, where every
process looks first. It is written where Python may write bytecode, which `make test` sees to.
"""

import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import (
    PYC_TAIL,
    _read_pyc,
    _rewrite_test,
    _write_pyc,
    assertstate_key,
    get_cache_dir,
    try_makedirs,
)

from tests.servers import is_head

TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Before xdist starts the processes."""
    if is_head(config.option) and not sys.dont_write_bytecode:
        for path in (*TESTS.rglob("test_*.py"), *TESTS.rglob("conftest.py")):
            _compile(path, config)


def _compile(path: Path, config: pytest.Config) -> None:
    """Keep what pytest makes of the file, unless it is kept already."""
    folder = get_cache_dir(path)
    kept = folder / (path.stem + PYC_TAIL)
    if try_makedirs(folder) and _read_pyc(path, kept) is None:
        source_hash, code = _rewrite_test(path, config)
        _write_pyc(config.stash[assertstate_key], code, source_hash, kept)
