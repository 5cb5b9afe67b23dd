"""The public names: there when they are used, and no sooner."""

import json
import subprocess
import sys
from importlib import metadata

import pytest

import hfluxno


@pytest.mark.parametrize("statement", ["import hfluxno", "from hfluxno.cli import main; main([])"])
def test_jax_is_not_loaded_before_it_is_needed(statement):
    program = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = json.loads(ended.stdout.splitlines()[-1])
    assert "hfluxno" in loaded
    assert not {"jax", "equinox", "numpy", "xarray", "matplotlib"} & set(loaded)


def test_every_name_is_there():
    for name in hfluxno.__all__:
        assert getattr(hfluxno, name).__name__ == name
        assert name in dir(hfluxno)
    with pytest.raises(AttributeError, match="module 'hfluxno' has no attribute 'identity'"):
        _ = hfluxno.identity


def test_the_version_is_that_of_the_package():
    assert hfluxno.__version__ == metadata.version("hfluxno")


@pytest.mark.validation
def test_identify_is_the_function_whatever_was_imported_before():
    program = """
import importlib
import hfluxno.methods, hfluxno.parametric.basis
from hfluxno import identify
package = importlib.import_module("hfluxno.identify")
assert hfluxno.identify is identify is package.identify and callable(identify)
assert hfluxno.methods.forecast is hfluxno.forecast
"""
    subprocess.run([sys.executable, "-c", program], check=True)
