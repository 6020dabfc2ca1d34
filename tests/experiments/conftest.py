"""Experiments are tested for what they find, not for their speed."""

import pytest


@pytest.fixture(autouse=True)
def quick(quick_compilation):
    """No test here waits for fast programs."""
