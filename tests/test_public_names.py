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


def test_arguments_of_other_types_are_refused_in_a_sentence():
    """In another process, as here types are checked before."""
    program = """
import numpy as np
import hfluxno
values = np.ones((8, 20))
make, frames = hfluxno.Trajectory.from_numpy, hfluxno.Trajectory.from_numpy(values)
for call in (
    lambda: make(values, boundary=None),
    lambda: make(values, boundary=("wall",)),
    lambda: make(np.ones((8, 9, 9)), y=np.arange(9.0), boundary=(("wall",) * 3, "wall")),
    lambda: make(values, x=3),
    lambda: hfluxno.forecast(frames, 3, law={}),
    lambda: hfluxno.forecast(frames, 3, method=[]),
    lambda: hfluxno.forecast(frames, 3, method="persistence", every="soon"),
):
    try:
        call()
    except ValueError as error:
        print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    known = "A boundary is one of periodic, outflow, open, wall, reflecting, inflow, given, or an "
    both = "object of hfluxno.boundary, or two of these, for the lower and the upper end; got "
    law = "A law is an identification, what load_law returned, or the name of its file; got dict."
    assert ended.stdout.splitlines()[:5] == [
        *(f"{known}{both}{given}." for given in (None, ("wall",), ("wall",) * 3)),
        "The coordinate x has the shape (), but the data have 20 entries along it; give one number "
        "for each of these.",
        law,
    ]
    assert "Unknown method []; choose one of fit" in ended.stdout
    assert ended.stdout.endswith("every must be a positive time; got 'soon'.\n"), ended.stderr


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
