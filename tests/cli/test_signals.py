"""Why signals are exceptions: they are answered where none of dnncli's loops could look at a flag."""

import os
import signal
import threading
import time

import pytest

from dnncli.cli import signals

LONG = 5  # seconds; nothing waits for them where a signal is answered


@pytest.fixture(autouse=True)
def handlers():
    """After a signal its handler stays, for a process that ends then; this one goes on."""
    before = {number: signal.getsignal(number) for number in signals.CODES}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def await_key():
    """Read from a terminal on which nothing is typed, as the tour does between stations."""
    reading, writing = os.pipe()
    typed = threading.Timer(LONG, os.write, (writing, b"x"))
    typed.start()
    try:
        os.read(reading, 1)
    finally:
        typed.cancel()


def compute():
    """Work in one piece, as a trace of a deep network or a linear probe before a first event."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize("work", [await_key, compute])
def test_a_signal_is_answered_in_the_middle_of_what_no_loop_of_ours_divides(work):
    ended = []

    def interrupted():
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        work()
        ended.append(work)

    with pytest.raises(signals.Interrupted), signals.interruptible():
        interrupted()
    assert not ended


@pytest.mark.parametrize("number", signals.CODES)
def test_an_event_is_taken_whole_before_a_signal_is_answered(number):
    taken = []

    def take(stop):
        with stop.held():
            os.kill(os.getpid(), number)
            time.sleep(0.01)  # the handler has run
            taken.append("whole")
        taken.append("another")

    with pytest.raises(signals.Interrupted) as caught, signals.interruptible() as stop:
        take(stop)
    assert taken == ["whole"]
    assert caught.value.number == number
