"""Something read ahead on a thread, while what was read before is worked on."""

import queue
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
PATIENCE = 0.05  # seconds after which a thread that waits looks whether it is to end


@dataclass(frozen=True)
class _End:
    """The end of what is read, and the error that it ended with."""

    error: BaseException | None = None


class _Reader(Generic[Item]):
    """A thread that reads, and the queue that it fills; once `stopped` is set it ends."""

    def __init__(self, items: Iterator[Item], depth: int) -> None:
        """depth: how many items wait at most."""
        self.queue: queue.Queue[Item | _End] = queue.Queue(depth)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._read, args=(items,), daemon=True)

    def _read(self, items: Iterator[Item]) -> None:
        """Fill the queue; an error goes to who takes from it."""
        try:
            for item in items:
                self._put(item)
                if self.stopped.is_set():
                    return
            self._put(_End())
        except BaseException as error:
            self._put(_End(error))

    def _put(self, item: Item | _End) -> None:
        """Put one item, or give up where nobody takes any."""
        while not self.stopped.is_set():
            try:
                self.queue.put(item, timeout=PATIENCE)
                return
            except queue.Full:
                pass

    def get(self) -> Item | _End:
        """The next item; a signal is answered while there is none."""
        while True:
            try:
                return self.queue.get(timeout=PATIENCE)
            except queue.Empty:
                pass


def ahead(items: Iterator[Item], depth: int = 1) -> Generator[Item]:
    """The same items, read on a thread, of which `depth` wait at most.

    Errors of the thread are raised here. The thread ends with this iterator, however that ends.
    """
    reader = _Reader(items, depth)
    reader.thread.start()
    try:
        while True:
            item = reader.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            del item  # the next one is as large: two are not to be in memory for it
    finally:
        reader.stopped.set()
        reader.thread.join()
