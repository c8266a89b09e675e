"""Verify one file and print its effect on this process's peak memory, in bytes.

A process of its own, so that nothing else has grown it: `python tests/storage/weigh.py SMALL FILE`.
With a format after the files the conversion to it is measured too. With `sent` the image is made
ready to be sent on, for example turned upright.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolBudget, SpoolFile, Spools
from storage import convert, probe
from storage.containers.pieces import NotAnImage

RESET_PEAK = "5"
SMALL = probe.ImageFacts("png", 64, 64)


def resident_bytes(field: str) -> int:
    """VmRSS, or its peak VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def spooled(spools: Spools, data: Path) -> SpoolFile:
    spool = spools.new(max_bytes=64 * 1024**2)
    with data.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            spool.write(chunk)
    return spool


def main(small: str, weighed: str, into: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        spools = Spools(Path(folder), SpoolBudget(256 * 1024**2))
        probe.verify(spooled(spools, Path(small)))  # libvips and its loaders are loaded now
        spool = spooled(spools, Path(weighed))
        facts = None
        if into == "sent":
            warm = convert.converted(spooled(spools, Path(small)), SMALL, "jpeg", spools=spools)
            convert.converted(warm, replace(SMALL, format="jpeg"), "png", spools=spools).close()
        elif into:
            warm = spooled(spools, Path(small))
            convert.converted(warm, probe.verify(warm), into, spools=spools).close()
            facts = probe.verify(spool)
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
        before = resident_bytes("VmRSS")
        try:
            if into == "sent":
                facts = convert.as_sent(spool)[1]
            elif facts is not None:
                convert.converted(spool, facts, into, spools=spools).close()
            said = (facts or probe.verify(spool)).size
        except NotAnImage as error:
            said = str(error)
        print(resident_bytes("VmHWM") - before, said)  # noqa: T201 - what it is for
        spool.close()


main(*sys.argv[1:])
