"""The noise as a user states it."""

import numpy as np
import pytest

from hfluxno.data.noise import read_noise
from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES, dataset, save, wave


def system(tmp_path, **more):
    values = np.stack([wave(), 2.0 * wave()], axis=1)
    data = dataset(values, ("time", "field", "x"), field=["h", "m"]).assign(more)
    return read(save(data, tmp_path / "a.nc"), "u")


def test_numbers_and_variables_one_for_all_or_for_each(tmp_path):
    source = system(tmp_path, sd=0.3, each=("field", [0.1, 0.2]), flat=("x", np.full(CELLS, 0.4)))
    assert read_noise("0.5", source) == ((0.5, 0.5), ())
    assert read_noise("sd", source) == ((0.3, 0.3), ())
    assert read_noise("m=0.1, h=sd", source) == ((0.3, 0.1), ())
    assert read_noise("each", source) == ((0.1, 0.2), ())
    np.testing.assert_allclose(read_noise("flat", source)[0], 0.4)


def test_of_several_the_root_mean_square_is_taken_and_said(tmp_path):
    sd = np.full((FRAMES, CELLS), 3.0)
    sd[::2], sd[1] = 4.0, np.nan
    source = system(tmp_path, sd=(("time", "x"), sd))
    found, notes = read_noise("h=sd,m=1", source)
    assert found == (pytest.approx(np.sqrt((3 * 16 + 2 * 9) / 5)), 1.0)
    assert notes[0].startswith("The standard deviations in sd are 3 to 4; their root mean square")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-1", "noise of h is -1, and a standard deviation is positive; correct it, or choose"),
        ("0", "noise of h is 0"),
        ("nan", "noise of h is nan"),
        ("bad", "noise of h is -2"),
        ("gone", "noise of h is nan"),
        ("sigma", r"neither a number nor a variable of .*a.nc; it has"),
        ("h=0.1", r"one for each field \(h=VALUE,m=VALUE\); got h=0.1"),
        ("h=0.1,m=0.1,h=0.2", "one for each field"),
        ("0.1,0.2", "one for each field"),
    ],
)
def test_what_is_no_noise_is_refused(tmp_path, text, message):
    nothing = ("x", np.full(CELLS, np.nan))
    source = system(tmp_path, bad=("x", np.linspace(-2.0, 3.0, CELLS)), gone=nothing)
    with pytest.raises(ValueError, match=message):
        read_noise(text, source)
