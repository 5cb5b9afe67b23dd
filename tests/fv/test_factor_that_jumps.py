"""A flux that is multiplied by another number on a stretch: what one side sends and the other
takes."""

import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Rusanov, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.laws import LWR, Cubic
from hfluxno.laws.base import ConservationLaw
from hfluxno.laws.place import LawByPlace, turn
from tests.compiled import compiled
from tests.identify.joint.test_stretches import road

pytestmark = pytest.mark.usefixtures("x64")
CELLS = 64
BEGIN, END, FACTOR = 20, 34, 0.6  # a road of 64 cells with a lane drop on some of them


class Mirrored(ConservationLaw):
    """∂t v - ∂x f(-v) = 0, which v = -u of LWR's law fulfils: its flux has a minimum."""

    fields = ("v",)

    def flux(self, u):
        return -LWR().flux(-u)


def dropped(law, refinement=1, begin=BEGIN, end=END, lower=0.0, upper=1.0):
    k = np.ones(CELLS * refinement)
    k[begin * refinement : end * refinement] = FACTOR
    padded = jnp.asarray(np.pad(k, 1, "wrap"))
    sides = padded[:-1], padded[1:], turn(law, jnp.asarray(lower), jnp.asarray(upper))
    return LawByPlace(law.fields, law, 0.5 * (sides[0] + sides[1]), jnp.zeros(1), None, sides)


def run(scheme, law, u, times, refinement=1):
    grid = Grid.interval(CELLS * refinement)
    control = StepControl(0.45, 0.45, False)
    return np.asarray(compiled(solve, scheme(law), u, jnp.asarray(times), grid, control).values)


def standing():
    """A queue before the stretch, flow at capacity on it, and free flow behind it."""
    capacity = 0.25 * FACTOR
    free, queued = 0.5 * (1.0 - np.sqrt(1.0 - 4.0 * capacity) * np.array([1.0, -1.0]))
    u = np.full(CELLS, queued)
    u[BEGIN:END], u[END : END + 15] = 0.5, free
    # The queue ends where free flow begins, in a shock that rests.
    return u[None]


@pytest.mark.parametrize("scheme", [MUSCL, Rusanov])
def test_a_queue_before_a_lane_drop_stands(scheme):
    u = standing()
    last = run(scheme, dropped(LWR()), u, [0.0, 0.025, 0.05])[-1]
    # Rusanov's flux smears the shock at the end of the queue; nothing else moves.
    still = np.r_[:BEGIN, BEGIN:END, END : END + 8, END + 22 : CELLS]
    np.testing.assert_allclose(last[:, still], u[:, still], atol=1e-12)


@pytest.mark.parametrize("scheme", [MUSCL, Rusanov])
def test_nothing_is_lost_where_the_jump_is_at_the_seam(scheme):
    x = (np.arange(CELLS) + 0.5) / CELLS
    u = (0.4 + 0.3 * np.sin(2 * np.pi * x))[None]
    for begin in (0, 1, CELLS - 1, CELLS - 2):
        law = dropped(LWR(), begin=begin, end=min(begin + 10, CELLS))
        last = run(scheme, law, u, [0.0, 0.15, 0.3])[-1]
        assert last.sum() == pytest.approx(u.sum(), rel=1e-13)


def test_it_converges_to_what_demand_and_supply_give():
    """Godunov's scheme on 1024 cells in NumPy; the layers of a flux that has the same factor on
    both sides were .05 wide of the deviation on twice as many cells."""
    truth = road(BEGIN / CELLS, END / CELLS, np.log(FACTOR), frames=24)
    errors = []
    for refinement in (1, 4):
        u = np.repeat(truth[:1], refinement, axis=1)
        states = run(MUSCL, dropped(LWR(), refinement), u, 0.025 * np.arange(24), refinement)
        averages = states[:, 0].reshape(24, CELLS, refinement).mean(axis=-1)
        errors.append(np.sqrt(np.mean((averages - truth) ** 2)) / truth.std())
    assert errors[0] < 0.04
    assert errors[1] < 0.36 * errors[0]


@pytest.mark.validation
def test_a_minimum_is_the_mirror_image():
    x = (np.arange(CELLS) + 0.5) / CELLS
    u = (0.45 + 0.35 * np.sin(2 * np.pi * x))[None]
    times = [0.0, 0.2, 0.4]
    one = run(MUSCL, dropped(LWR()), u, times)
    other = run(MUSCL, dropped(Mirrored(), lower=-1.0, upper=0.0), -u, times)
    np.testing.assert_allclose(other, -one, atol=1e-12)


def test_where_a_flux_turns():
    top = turn(LWR(), jnp.asarray(0.1), jnp.asarray(0.8))
    assert (float(top.state), float(top.sign)) == (pytest.approx(0.5), 1.0)
    bottom = turn(Cubic(a=0.0, b=0.5), jnp.asarray(-0.3), jnp.asarray(0.8))
    assert (float(bottom.state), float(bottom.sign)) == (pytest.approx(0.0, abs=1e-12), -1.0)
    # Free flow only: whatever comes is taken; and a queue only.
    assert float(turn(LWR(), jnp.asarray(0.1), jnp.asarray(0.3)).state) > 100.0
    assert float(turn(LWR(), jnp.asarray(0.6), jnp.asarray(0.9)).state) < -100.0
    twice = Cubic(a=1.0, b=0.0, c=-0.3)
    assert float(turn(twice, jnp.asarray(-1.0), jnp.asarray(1.0)).sign) == 0.0
