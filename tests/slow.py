"""Cases that `make validate` runs and `make test` leaves out, because others like them are run."""

import pytest


def slow(*values):
    """A case of `pytest.mark.parametrize` that takes long."""
    return pytest.param(*values, marks=pytest.mark.validation)
