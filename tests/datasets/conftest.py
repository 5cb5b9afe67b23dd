"""Settings of tests of data sets."""

import dask
import pytest


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield
