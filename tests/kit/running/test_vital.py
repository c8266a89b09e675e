"""Threads and tasks that a process must not outlive, in processes of their own."""

import subprocess
import sys

import pytest

from pictor.kit.running.vital import EXIT_STATUS

THREAD = """
import logging, threading, time
from pictor.kit.running import vital
logging.basicConfig()
def run():
    {body}
thread = vital.start_thread("lungs", run, is_over=lambda: {is_over})
thread.join(5)
print("alive")
"""
TASK = """
import asyncio, logging
from pictor.kit.running import vital
logging.basicConfig()
async def run():
    {body}
async def main():
    task = vital.start_task("lungs", run())
    {then}
    await asyncio.sleep(0.2)
    print("alive")
asyncio.run(main())
"""


def ran(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own script)
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("error", ["ValueError('out of air')", "SystemExit(0)"])
def test_a_process_ends_with_a_thread_that_raises(error):
    result = ran(THREAD.format(body=f"raise {error}", is_over=True))

    assert (result.returncode, result.stdout) == (EXIT_STATUS, "")
    assert "this process ends: its thread lungs is gone" in result.stderr
    assert error.partition("(")[0] in result.stderr


def test_a_process_ends_with_a_thread_that_returns_early():
    result = ran(THREAD.format(body="return", is_over=False))

    assert (result.returncode, result.stdout) == (EXIT_STATUS, "")
    assert "this process ends: its thread lungs has ended" in result.stderr


def test_a_thread_may_return_when_it_is_over():
    result = ran(THREAD.format(body="return", is_over=True))

    assert (result.returncode, result.stdout) == (0, "alive\n")


@pytest.mark.parametrize("body", ["raise ValueError('out of air')", "return"])
def test_a_process_ends_with_its_task(body):
    result = ran(TASK.format(body=body, then="pass"))

    assert (result.returncode, result.stdout) == (EXIT_STATUS, "")
    assert "this process ends: its task lungs is gone" in result.stderr


def test_a_task_may_be_cancelled():
    result = ran(TASK.format(body="await asyncio.sleep(60)", then="task.cancel()"))

    assert (result.returncode, result.stdout) == (0, "alive\n")
