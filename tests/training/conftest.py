"""Training is tested for what it computes; test_optimised.py has what depends on the optimiser."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def quick(quick_compilation):
    """No test here waits for fast programs."""
