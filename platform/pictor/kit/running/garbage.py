"""Fewer garbage collections: objects that exist when a process begins to serve are exempt.

A full collection visits every object that may be part of a cycle. After all imports these are
160,000, and each visit stops every thread for 90 ms. Young objects are collected after 5,000
allocations instead of 700: a request leaves almost no cycles behind, and looking for them took a
hundredth of a process's CPU.
"""

import gc

YOUNG_OBJECTS = 5_000


def keep_what_is_there() -> None:
    """Collect once, then exempt all remaining objects. Call it when a process has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
