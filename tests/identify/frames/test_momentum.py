"""The momentum of a system is found whatever the order and the units are, or it is asked for."""

import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import Roe, solve
from hfluxno.grid import Grid
from hfluxno.identify import FittedLawForecaster, identification
from hfluxno.identify.frames.momentum import carrying_field, negated_fields
from hfluxno.laws import ShallowWater
from hfluxno.trajectory import Trajectory
from tests.compiled import compiled
from tests.identify.laws import identification as identification_of
from tests.identify.laws import polynomial
from tests.slow import slow

CELLS, FRAMES = 100, 21


def waves(initial, time=0.2, boundary="reflecting"):
    grid, times = Grid.interval(CELLS, boundary=boundary), np.linspace(0.0, time, FRAMES)
    law = ShallowWater(alpha=0.8, gamma=1.1, beta=9.0)
    return np.asarray(
        compiled(lambda u: solve(Roe(law), u, times, grid).values, jnp.asarray(initial))
    )


@pytest.fixture(scope="module")
def dam_break():
    x = (np.arange(CELLS) + 0.5) / CELLS
    return waves(np.stack([np.where(x < 0.5, 2.0, 1.0), 0.0 * x]).astype(np.float32))


def context(values, fields=("h", "hu"), boundary="reflecting"):
    return Trajectory.from_numpy(values, fields=fields, boundary=boundary)


def inferred(context, momentum=None):
    trajectories = len(context.values) if context.is_batched else 1
    return negated_fields(context, momentum, np.ones(trajectories, bool))


def noisy(values, part, seed=0):
    size = np.std(values, axis=(0, 2))[:, None]
    return values + part * size * np.random.default_rng(seed).normal(size=values.shape)


@pytest.mark.parametrize("boundary", ["periodic", "outflow", "reflecting"])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_either_order_of_the_fields(dam_break, noise, boundary):
    values = noisy(dam_break, noise)
    assert inferred(context(values, boundary=boundary)) == (1,)
    assert inferred(context(values[:, ::-1], ("hu", "h"), boundary)) == (0,)


def test_units_and_directions_do_not_matter(dam_break):
    other = dam_break * np.array([30.0, -1e-4])[:, None]
    assert inferred(context(other)) == (1,)
    assert inferred(context(dam_break[:, :, ::-1])) == (1,)


@pytest.mark.parametrize(("cells", "frames"), [(4, 1), (8, 1), (1, 3)])
def test_few_cells_and_frames(dam_break, cells, frames):
    assert inferred(context(dam_break[: 21 // frames, :, ::cells])) == (1,)


def test_a_batch_is_asked_as_a_whole(dam_break):
    still = noisy(np.ones_like(dam_break), 0.0)
    batch = context(np.stack([dam_break, still, noisy(dam_break, 0.05)]))
    assert negated_fields(batch, None, np.array([True, False, True])) == (1,)


def test_between_walls_what_moves_both_ways_is_the_momentum(dam_break):
    """Few gauges do not show which field carries the other, but a depth has one sign."""
    gauges = np.repeat(dam_break[::4, :, ::16], 16, axis=-1)
    sloshing = gauges * np.where(np.arange(len(gauges)) % 2, 1.0, -1.0)[:, None, None]
    values = np.stack([gauges[:, 0], sloshing[:, 1]], axis=1)
    assert inferred(context(values)) == (1,)
    assert inferred(context(values[:, ::-1], ("hu", "h"))) == (0,)


def test_what_is_never_zero_beside_a_wall_is_no_momentum():
    """A tank that sloshes while it is filled from above: the flow explains less of the depth than
    the depth does of the flow."""
    x, t = (np.arange(60) + 0.5) / 60, np.linspace(0.0, 3.0, 40)[:, None]
    depth = 1.0 + 0.1 * np.cos(np.pi * x) * np.cos(np.pi * t) + 0.3 * t
    values = np.stack([depth, 0.1 * np.sin(np.pi * x) * np.sin(np.pi * t)], axis=1)
    assert carrying_field(values[None]) == 0
    assert inferred(context(values)) == (1,)
    assert inferred(context(values, boundary=("outflow", "reflecting"))) == (1,)
    assert inferred(context(values, boundary="outflow")) == (0,)  # where nothing is known


def test_few_gauges_see_which_field_carries_the_other():
    """One wide test function over all of a standing wave would see little of it. The two waves have
    different speeds, so the depth does not carry the flow."""
    x, t = np.pi * (np.arange(12) + 0.5) / 12, np.pi * np.linspace(0.0, 3.0, 40)[:, None]
    depth = 1.0 + 0.1 * np.cos(x) * np.cos(t) + 0.02 * np.cos(2.0 * x) * np.cos(3.0 * t)
    flow = 0.1 * np.sin(x) * np.sin(t) + 0.03 * np.sin(2.0 * x) * np.sin(3.0 * t)
    assert carrying_field(np.stack([depth, flow], axis=1)[None]) == 1


def test_what_cannot_be_told_has_to_be_named(dam_break):
    """Of small waves about rest either field carries the other; of those that change their sign
    independently none does."""
    x = (np.arange(CELLS) + 0.5) / CELLS
    hump = 1.0 + 1e-3 * np.exp(-(((x - 0.4) / 0.1) ** 2))
    small = noisy(waves(np.stack([hump, 0.0 * x]).astype(np.float32), 0.4), 0.01)
    independent = np.stack([dam_break[:, 0], dam_break[:, 0, ::-1] ** 2], axis=1) - 1.5
    around_rest = small - small.mean(axis=(0, 2))[:, None]
    for values in (around_rest, independent):
        walled = context(values)
        with pytest.raises(
            ValueError, match=r'cannot be inferred .* --momentum NAME, in .*"hu" or "h"'
        ):
            inferred(walled)
        assert inferred(walled, "hu") == (1,) and inferred(walled, "h") == (0,)
        assert inferred(context(values, boundary="outflow")) == ()  # where it does not matter


def test_of_two_amounts_none_is_a_momentum(dam_break):
    """Such as species in a closed column, which measurements may make a little negative."""
    amounts = np.stack([dam_break[:, 0], dam_break[:, 0, ::-1] ** 2], axis=1)
    assert inferred(context(amounts)) == ()
    assert inferred(context(noisy(amounts - amounts.min(axis=(0, 2))[:, None], 0.01))) == ()
    assert inferred(context(amounts), "hu") == (1,)


def test_one_field_is_even_unless_it_is_named(dam_break):
    alone = context(dam_break[:, 1:], ("u",))
    assert inferred(alone) == () and inferred(alone, "u") == (0,)


def test_the_only_field_is_no_momentum_without_a_wall(dam_break):
    alone = context(dam_break[:, 1:], ("density",), "periodic")
    law = identification_of(polynomial(-3.0, 3.0, 1.0, 0.5))
    with pytest.raises(ValueError, match="field, density, could be a momentum at a wall alone"):
        hfluxno.identify(alone, momentum="density")
    with pytest.raises(ValueError, match="field, density, could be a momentum at a wall alone"):
        hfluxno.forecast(alone, 2, law=law, momentum="density")


def test_a_name_that_is_none_is_refused(dam_break):
    with pytest.raises(
        ValueError, match="There is no field 'm' to be the momentum; the fields are"
    ):
        hfluxno.identify(context(dam_break), momentum="m")
    with pytest.raises(ValueError, match="method persistence takes no momentum"):
        hfluxno.forecast(context(dam_break), 3, "persistence", momentum="hu")


@pytest.mark.parametrize(
    ("momentum", "boundary", "negated"),
    [(None, "reflecting", (1,)), ("h", "reflecting", (0,)), slow(None, "periodic", ())],
)
def test_the_fits_and_the_law_know_it(monkeypatch, dam_break, momentum, boundary, negated):
    class Asked(Exception):
        pass

    def choose(values, grid, fields, negated, plan):
        raise Asked(negated)

    monkeypatch.setattr(identification, "choose", choose)
    with pytest.raises(Asked) as asked:
        FittedLawForecaster(momentum).forecast(context(dam_break, boundary=boundary), 3)
    assert asked.value.args == (negated,)
