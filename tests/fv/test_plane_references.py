"""Shocks on a plane: a round dam break and four quadrants of gas, against solutions of one space
variable, finer cells, and their symmetries."""

import itertools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, Status, solve
from hfluxno.grid import Grid
from hfluxno.laws import Euler, ShallowWater2D
from tests.validation import EulerRiemann, RoundDamBreak

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)

with jax.enable_x64(True):
    GAS, WATER = Euler(axes=2), ShallowWater2D(g=1.0)
    SCHEMES = {"roe": Roe(GAS), "muscl-hllc": MUSCL(GAS, "mc", "hllc")}
DAM = RoundDamBreak(2.0, 1.0, 0.5)


def run(scheme, initial, times, grid):
    solution = compiled_solve(scheme, jnp.asarray(initial), np.append(0.0, times), grid)
    assert int(solution.status) == Status.OK
    return np.asarray(solution.values)[1:]


def after_the_dam(cells, *times, scheme=None):
    grid = Grid.rectangle((cells, cells), (-1.0, -1.0), (1.0, 1.0), "wall")
    scheme = MUSCL(WATER, riemann="hll") if scheme is None else scheme
    return run(scheme, DAM.averages(cells, 1.0, 0.0), times, grid)


def test_a_round_dam_break_has_the_symmetries_of_the_square():
    """Also when its waves have come back from walls."""
    ((h, m_x, m_y),) = after_the_dam(32, 1.0)
    for same in (h.T, h[::-1], h[:, ::-1]):
        np.testing.assert_allclose(h, same, atol=1e-12)
    np.testing.assert_allclose(m_x, m_y.T, atol=1e-12)
    np.testing.assert_allclose(m_x, -m_x[::-1], atol=1e-12)
    np.testing.assert_allclose(m_x, m_x[:, ::-1], atol=1e-12)
    assert h.mean() == pytest.approx(DAM.averages(32, 1.0, 0.0)[0].mean(), rel=1e-14)


@pytest.mark.validation
@pytest.mark.parametrize("name", ["hll", "roe"])
def test_a_round_dam_break_is_that_of_one_radius(name):
    """Of first order, as solutions with shocks are; h changes by .22 on average."""
    scheme = MUSCL(WATER, riemann="hll") if name == "hll" else Roe(WATER)
    errors = []
    for cells in (32, 64):
        (found,) = after_the_dam(cells, 0.25, scheme=scheme)
        errors.append(np.mean(np.abs(found - DAM.averages(cells, 1.0, 0.25)), axis=(1, 2)))
    assert np.all(errors[1] < [0.011, 0.008, 0.008])
    assert np.all(np.log2(errors[0] / errors[1]) > 0.9)


class Quadrants(NamedTuple):
    """A configuration of Lax and Liu (SIAM J. Sci. Comput. 19, 1998, 319-340) with ρ and p by
    whether x and y are above `corner`, and the velocity along either axis by the same."""

    corner: float
    time: float
    density: list[list[float]]
    pressure: list[list[float]]
    speed: list[float]

    def states(self, cells):
        x = (np.arange(cells) + 0.5) / cells
        high = (x > self.corner).astype(int)
        density, pressure = (
            np.array(table)[high[:, None], high] for table in (self.density, self.pressure)
        )
        u = np.broadcast_to(np.array(self.speed)[high][:, None], density.shape)
        return GAS.conserved(*map(jnp.asarray, (density, np.stack([u, u.T]), pressure)))

    def after(self, cells, scheme):
        grid = Grid.rectangle((cells, cells), boundary="outflow")
        (found,) = run(SCHEMES[scheme], self.states(cells), [self.time], grid)
        return found


RAREFACTIONS = Quadrants(
    0.5, 0.2, [[1.0, 0.5197], [0.5197, 1.0]], [[1.0, 0.4], [0.4, 1.0]], [-0.7259, 0.0]
)  # number 2
SHOCKS = Quadrants(
    0.8, 0.3, [[0.138, 0.5323], [0.5323, 1.5]], [[0.029, 0.3], [0.3, 1.5]], [1.206, 0.0]
)  # number 3


@pytest.mark.validation
@pytest.mark.parametrize("name", ["roe", "muscl-hllc"])
def test_four_shocks_are_symmetric_and_a_shock_tube_far_below(name):
    cells = 40
    found = SHOCKS.after(cells, name)
    exchanged = found[[0, 2, 1, 3]].swapaxes(1, 2)
    np.testing.assert_allclose(found, exchanged, rtol=0.0, atol=1e-12)
    # What meets above has not come there, and the gas moves upwards at one speed.
    left, right = ((SHOCKS.density[i][0], SHOCKS.speed[i], SHOCKS.pressure[i][0]) for i in (0, 1))
    tube = EulerRiemann(left, right, jump=SHOCKS.corner)
    rho, m, energy = tube.averages(np.linspace(0.0, 1.0, cells + 1), SHOCKS.time)
    v = SHOCKS.speed[0]
    exact = np.stack([rho, m, v * rho, energy + 0.5 * v**2 * rho])
    errors = np.mean(np.abs(found[:, :, : cells // 3] - exact[..., None]), axis=(1, 2))
    assert np.all(errors < 0.008)
    assert np.mean(np.abs(found[:, :, -1] - exact)) > 0.5


@pytest.mark.validation
@pytest.mark.parametrize(
    ("problem", "name", "order"), [(RAREFACTIONS, "roe", 0.9), (SHOCKS, "muscl-hllc", 0.6)]
)
def test_four_quadrants_converge(problem, name, order):
    """Differences to cells of half the length; the slip lines behind shocks are slower."""
    runs = [problem.after(cells, name) for cells in (40, 80, 160)]
    differences = [
        np.mean(np.abs(coarse - fine.reshape(4, n, 2, n, 2).mean(axis=(2, 4))))
        for coarse, fine in itertools.pairwise(runs)
        for n in [coarse.shape[1]]
    ]
    assert np.log2(differences[0] / differences[1]) > order
