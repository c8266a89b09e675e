"""A cache bounded by the bytes it holds. Safe to share between threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Keeps the values used last, up to `max_bytes` by `weigh`; heavier values are not kept."""

    def __init__(self, *, max_bytes: int, weigh: Callable[[Value], int]) -> None:
        self._max_bytes = max_bytes
        self._weigh = weigh
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of this key, made where it is absent. Two threads may both make one."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._keep(key, value)
        return value

    def _keep(self, key: Key, value: Value) -> None:
        weight = self._weigh(value)
        if key in self._values or weight > self._max_bytes:
            return
        self._values[key] = value
        self._held_bytes += weight
        while self._held_bytes > self._max_bytes:
            _, dropped = self._values.popitem(last=False)
            self._held_bytes -= self._weigh(dropped)
