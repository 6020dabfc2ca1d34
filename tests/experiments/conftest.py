"""Experiments are tested for what they find, not for their speed."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick(quick_compilation):
    """No test here waits for fast programs, and no fixture: a module's come after this one."""
