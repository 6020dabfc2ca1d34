"""Options that say which processes train together go together, or name the one that does not."""

import pytest

from dnncli.errors import SpecError
from dnncli.spec.processes import ProcessSpec

TOLD = {"coordinator": "node:1234", "processes": 4, "process": 3}


def test_processes_are_told_or_found():
    assert not ProcessSpec().several
    assert ProcessSpec(distributed=True).several
    assert ProcessSpec(**TOLD).several
    assert ProcessSpec(**TOLD | {"coordinator": "[::1]:1"}).several


@pytest.mark.parametrize(
    ("given", "option", "message"),
    [
        (TOLD | {"process": 4}, "--process", "of 4 processes it must be from 0 to 3"),
        (TOLD | {"process": -1}, "--process", "from 0 to 3"),
        (TOLD | {"processes": 1, "process": 0}, "--processes", "at least 2"),
        (TOLD | {"coordinator": "node"}, "--coordinator", "HOST:PORT"),
        (TOLD | {"coordinator": "node:65536"}, "--coordinator", "HOST:PORT"),
        (TOLD | {"distributed": True}, "--coordinator", "--distributed finds it"),
        ({"coordinator": "node:1"}, "--coordinator", "needs --processes and --process"),
        ({"process": 1}, "--process", "needs --coordinator and --processes"),
        ({"timeout": 0.0}, "--timeout", "above 0"),
    ],
)
def test_what_cannot_work_names_its_option(given, option, message):
    with pytest.raises(SpecError, match=message) as caught:
        ProcessSpec(**given)
    assert caught.value.option == option
