"""Three fields on a line: a gas is found by its name, from few cells and at either order."""

import dataclasses
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hfluxno
from hfluxno.fv import Roe, StepControl, solve
from hfluxno.grid import Grid
from hfluxno.identify import FitStatus, load_law
from hfluxno.identify.frames.candidate import CLAWPACK_PAPER, Candidate
from hfluxno.identify.frames.candidate_family import family_of
from hfluxno.identify.frames.candidate_functions import make_mask
from hfluxno.identify.frames.momentum import carried_by, negated_fields
from hfluxno.identify.frames.select import make_settings
from hfluxno.laws import ConservationLaw
from hfluxno.parametric.basis import Dictionary, fluid_exponents
from hfluxno.trajectory import Trajectory

CELLS, FRAMES, CONTEXT, GAMMA = 60, 21, 13, 1.3
NAMES = ("rho", "m", "E")
EULER = {(0, "m"), (1, "E"), (1, "m²/rho"), (2, "m·E/rho"), (2, "m³/rho²")}


class Gas(ConservationLaw):
    """Euler's equations with a covolume b, p (1 - b ρ) = (γ - 1)(E - ½ m²/ρ), and no Roe averages
    of their own."""

    fields: tuple[str, ...] = eqx.field(static=True, default=NAMES)
    negated: tuple[int, ...] = eqx.field(static=True, default=(1,))
    covolume: float = eqx.field(static=True, default=0.0)

    @property
    def negated_fields(self):
        return self.negated

    def flux(self, u):
        rho, m, energy = u
        p = (GAMMA - 1.0) * (energy - 0.5 * m * m / rho) / (1.0 - self.covolume * rho)
        return jnp.stack([m, m * m / rho + p, (energy + p) * m / rho])


def tube(law, boundary="periodic"):
    """Sod's states between two diaphragms."""
    grid, times = Grid.interval(CELLS, boundary=boundary), 0.01 * np.arange(FRAMES)
    inside = np.abs(grid.centers() - 0.45) < 0.2
    rho, p = np.where(inside, 1.0, 0.3), np.where(inside, 1.0, 0.25)
    energy = p * (1.0 - law.covolume * rho) / (GAMMA - 1.0)
    with jax.enable_x64(True):
        scheme = Roe(law, "mc", entropy_fix=False)
        first = jnp.asarray(np.stack([rho, 0.0 * rho, energy]))
        run = eqx.filter_jit(solve)(scheme, first, times, grid, StepControl(*CLAWPACK_PAPER))
    return Trajectory(np.asarray(run.values), times, grid, NAMES)


def turned(context, order):
    """The same with the fields in another order."""
    names = tuple(context.fields[i] for i in order)
    return dataclasses.replace(context, values=np.asarray(context.values)[:, order], fields=names)


@pytest.fixture(scope="module")
def gas():
    return tube(Gas())


@pytest.fixture(scope="module")
def found(gas):
    context = dataclasses.replace(gas, values=gas.values[:CONTEXT], times=gas.times[:CONTEXT])
    # As of a file that does not say what its ends are.
    context = dataclasses.replace(context, ends_assumed=True)
    return hfluxno.forecast(context, FRAMES - CONTEXT)


@pytest.mark.validation
def test_a_gas_is_recognised_and_continued(gas, found):
    item = found.identifications[0]
    assert item.status == FitStatus.OK
    known = item.recognised
    assert (known.name, known.symbol) == ("Euler", "γ")
    assert known.value == pytest.approx(GAMMA, abs=1e-4)
    assert item.formulas == (
        "∂t rho + ∂x(1 m) = 0",
        "∂t m + ∂x(0.3 E + 0.85 m²/rho) = 0",
        "∂t E + ∂x(1.3 m·E/rho - 0.15 m³/rho²) = 0",
    )
    truth = np.asarray(gas.values[CONTEXT:])
    error = np.asarray(found.trajectory.values) - truth
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(truth)
    # Then waves reach the ends, at which nothing has changed before.
    assert np.all(found.predicted_error_90[:5] < 0.05)
    assert "from frame 4 on waves reach the ends" in found.sentences[0]


@pytest.mark.validation
def test_a_saved_gas_serves_other_data(gas, found, tmp_path):
    path = tmp_path / "gas.json"
    found.identifications[0].save(path, {"rho": "kg/m3"})
    law = load_law(path)
    assert law.law.fields == NAMES and law.units.fields == ("kg/m3", "", "")
    context = dataclasses.replace(gas, values=gas.values[8:16], times=gas.times[8:16])
    ahead = hfluxno.forecast(context, 5, law=law)
    truth = np.asarray(gas.values[16:])
    assert int(ahead.status) == FitStatus.OK
    error = np.asarray(ahead.trajectory.values) - truth
    assert np.linalg.norm(error) < 5e-3 * np.linalg.norm(truth)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_momentum_and_density_are_told_in_any_order(gas, order):
    context = turned(gas, list(order))
    (momentum,) = negated_fields(context, None, np.ones(1, bool))
    assert context.fields[momentum] == "m"
    assert context.fields[carried_by(np.asarray(context.values), momentum)] == "rho"


def told_by_weak_form(context, frames=FRAMES):
    """The family of a fit to the first frames, before the solver has run."""
    values = np.asarray(context.values, float)[:frames]
    candidate = Candidate("dictionary", 0, sparse="weak-form")
    cells = make_settings(candidate, context.grid).grid
    with jax.enable_x64(True):
        return family_of(candidate, values, NAMES, (1,), None, np.ones(frames), cells)


def terms_of(family):
    """(field, function) of each coefficient that is not zero."""
    table = np.asarray(family.mask).reshape(3, -1)
    names = family.basis.names
    return {(i, names[k]) for i, k in zip(*np.nonzero(table), strict=True)}


@pytest.mark.parametrize("covolume", [0.0, 0.4])
def test_only_an_ideal_gas_gets_the_two_unknowns_of_its_name(covolume):
    family, rivals = told_by_weak_form(tube(Gas(covolume=covolume)))
    directions = family.directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-12)
    if covolume:
        assert terms_of(family) != EULER and len(directions) == len(terms_of(family))
    else:
        assert terms_of(family) == EULER and len(directions) == 2 and rivals == 0


def test_fluxes_have_the_symmetry_of_a_mirror():
    basis = Dictionary(np.ones(3), fluid_exponents(3, 0), NAMES)
    free = make_mask(Candidate("dictionary", 0), basis, 3, (1,)).reshape(3, -1)
    odd = {name for name, used in zip(basis.names, free[0], strict=True) if used}
    assert odd == {"m", "rho·m", "m·E", "rho²·m", "m/rho", "m·E/rho", "m³/rho²", "m·E²/rho²"}
    np.testing.assert_array_equal(free[2], free[0])
    np.testing.assert_array_equal(free[1], 1.0 - free[0])
    assert "1/rho" not in " ".join(Dictionary(np.ones(3), fluid_exponents(3, None), NAMES).names)


@pytest.fixture(scope="module")
def recorded():
    """What PyClaw made on 1600 cells, with γ = 1.4."""
    with np.load(Path(__file__).parents[1] / "oracle" / "pyclaw_gas.npz") as file:
        values, interval = file["values"], float(file["interval"])
    times = interval * np.arange(len(values))
    return Trajectory(values, times, Grid.interval(values.shape[-1]), NAMES)


def test_recorded_frames_are_those_of_a_gas(recorded):
    family, _ = told_by_weak_form(recorded, 20)
    assert terms_of(family) == EULER and len(family.directions) == 2


@pytest.mark.validation
def test_recorded_frames_are_forecast(recorded):
    context = dataclasses.replace(recorded, values=recorded.values[:20], times=recorded.times[:20])
    ahead = hfluxno.forecast(context, 20)
    item, truth = ahead.identifications[0], np.asarray(recorded.values[20:], float)
    known = item.recognised
    assert item.status == FitStatus.OK and known.name == "Euler"
    assert known.value == pytest.approx(1.4, abs=3.0 * known.deviation)
    assert known.deviation < 0.014
    error = np.linalg.norm(ahead.trajectory.values - truth, axis=(1, 2))
    size = np.linalg.norm(truth, axis=(1, 2))
    assert np.all(error < 0.01 * size)
    assert np.mean(error < ahead.predicted_error_90 * size) > 0.8


def test_what_needs_more_than_a_law_is_refused(gas):
    message = "3 fields need complete frames at equal intervals, and no `noise`"
    values = np.array(gas.values)
    gaps = np.where(np.arange(CELLS) == 7, np.nan, values)
    uneven = np.delete(values, 4, axis=0), np.delete(gas.times, 4)
    for context in (
        dataclasses.replace(gas, values=gaps),
        dataclasses.replace(gas, values=uneven[0], times=uneven[1]),
    ):
        with pytest.raises(ValueError, match=message):
            hfluxno.identify(context)
    with pytest.raises(ValueError, match=message):
        hfluxno.identify(gas, noise=0.01)
