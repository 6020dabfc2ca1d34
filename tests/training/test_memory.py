"""A run that cannot fit is refused before anything is allocated, in one line with both amounts."""

import pytest
from problems import spec

from dnncli.errors import DnncliError
from dnncli.nn import network
from dnncli.storage import memory as machine
from dnncli.training import memory


@pytest.fixture
def free(monkeypatch):
    """Sets how much is free."""
    return lambda amount: monkeypatch.setattr(machine, "free", lambda: amount)


@pytest.mark.parametrize("hidden", ["5", "7,6,3"])
def test_parameters_are_those_of_a_network_that_was_drawn(hidden):
    options = spec(hidden=tuple(map(int, hidden.split(","))))
    drawn = network.init(options.network, 4, 3, 0)
    assert memory.parameters((4, *options.network.hidden, 3)) == network.count(drawn.parameters)


def test_too_many_parameters_are_refused_with_both_amounts(free):
    free(3 << 30)
    wide = spec(hidden=(100_000, 100_000))
    with pytest.raises(DnncliError) as refused:
        memory.check(wide, 64, 10, 1000)
    text = str(refused.value)
    # 64 and 100,000 units, twice 100,000, and 10: (64 + 1 + 100,000 + 1 + 10) * 100,000 + 10
    assert "10,007,600,010 parameters" in text
    # Ten times 4 bytes each, and three times 4 for every unit and example of the batch.
    amount = (40 * 10_007_600_010 + 12 * 16 * 200_010) / 2**30
    assert f"about {amount:.1f} GiB" in text
    assert "3.0 GiB are free: make the layers (--width) smaller." in text


def test_a_batch_can_be_what_is_too_large(free):
    free(1 << 30)
    with pytest.raises(DnncliError, match=r"50,000 examples in 10,010 units.*--batch-size smaller"):
        memory.check(spec(hidden=(100,) * 100, batch_size=50_000), 64, 10, 60_000)


def test_seeds_take_their_memory_each(free):
    free(1 << 30)
    options = spec(hidden=(3000, 3000))  # 37 MB, ten times
    memory.check(options, 64, 10, 1000)
    with pytest.raises(DnncliError, match="for each of 5 seeds"):
        memory.check(options, 64, 10, 1000, seeds=5)


@pytest.mark.parametrize("amount", [None, 1 << 50])
def test_what_fits_or_may_fit_is_not_refused(free, amount):
    free(amount)
    memory.check(spec(hidden=(100_000, 100_000)), 64, 10, 1000)


def test_a_limit_that_leaves_jax_no_room_to_begin_is_said_with_both_amounts(monkeypatch):
    monkeypatch.setattr(machine, "address_space", lambda: 300 << 20)
    with pytest.raises(DnncliError, match=r"`ulimit -v`\) leaves this process 0.3 GiB .* 1.0 GiB"):
        memory.check_room()
    for enough in (None, 2 << 30):
        monkeypatch.setattr(machine, "address_space", lambda amount=enough: amount)
        memory.check_room()
