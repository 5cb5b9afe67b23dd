"""Whatever the weights are, totals do not change, and shifts stay shifts."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import NumericalFlux
from hfluxno.models.guided_flux import GuidedFlux
from hfluxno.models.network import FluxOperator
from hfluxno.models.parts import FourierConfig, LocalConfig
from hfluxno.models.rollout import frozen
from tests.compiled import compiled
from tests.models import small
from tests.models.small import read, step
from tests.slow import slow

# Of a random law on a plane the solver takes many steps in a frame (see test_plane_space.py).
OTHERS = ("vit", "dpot", "law on a plane")
CONSERVATIVE = [name for name in small.CONFIGURATIONS if name not in OTHERS]
# They write fluxes of the same kinds as others do: of one field, by an FFT, without a context,
# along two axes, of a network that sees more, or of a law, which the solver takes (folder fv).
ALIKE = (
    "law",
    "local", "fourier code", "flux no", "fourier plane",
    "weak form", "weak form of a system", "weak form on a plane",
)  # fmt: skip


class _Bounded(NumericalFlux):
    """A flux of moderate size, so that 1 000 steps stay finite.

    Random networks amplify what they see. Limiting the flux, the same at both sides of an
    interface, changes nothing about conservation.
    """

    inner: NumericalFlux

    @property
    def ghost(self):
        return self.inner.ghost

    @property
    def integrator(self):
        return self.inner.integrator

    @property
    def negated_fields(self):
        return self.inner.negated_fields

    def __call__(self, padded, dt, dx):
        # Of limited size for states of any size.
        return jnp.tanh(self.inner(3.0 * jnp.tanh(padded / 3.0), dt, dx))

    def speed(self, padded, dx):
        return self.inner.speed(padded, dx)


@eqx.filter_jit
def _drift(network, context, steps):
    operator = network.read(context)
    # Guided fluxes are bounded themselves.
    if isinstance(operator, FluxOperator) and not isinstance(operator.fluxes[0], GuidedFlux):
        bounded = tuple(_Bounded(flux) for flux in operator.fluxes)
        operator = eqx.tree_at(lambda o: o.fluxes, operator, bounded)
    frames = frozen(operator, context, steps)
    axes = tuple(range(2, frames.ndim))
    size = jnp.mean(jnp.abs(frames), axis=(0, *axes))
    moved = jnp.mean(jnp.abs(frames[-1] - context[-1]))
    change = jnp.mean(frames, axis=axes) - jnp.mean(context[-1:], axis=axes)
    return jnp.max(jnp.abs(change) / size[None]), moved, jnp.all(jnp.isfinite(frames))


@pytest.mark.parametrize(
    ("name", "precision"),
    [slow(name, "float64") if name in ALIKE else (name, "float64") for name in CONSERVATIVE]
    + [slow(name, "float32") for name in ("two fields", "plane", "fourier", "law")],
)
def test_totals_are_kept_for_1000_steps(name, precision):
    config = small.CONFIGURATIONS[name]
    with jax.enable_x64(precision == "float64"):
        network, context = small.network(config), small.context(config)
        assert context.dtype == precision
        drift, moved, finite = map(float, _drift(network, context, 1000))
    assert finite
    assert moved > 1e-2  # something did happen
    assert drift <= (1e-12 if precision == "float64" else 1e-5)


def test_an_operator_without_places_commutes_with_every_shift(x64):
    config = dataclasses.replace(small.PAIR, coordinates=False)
    context = small.context(config)
    operator = read(small.network(config), context)
    u = np.asarray(context)[-1]
    shifted = compiled(operator, np.roll(u, 3, 1))
    np.testing.assert_allclose(shifted, np.roll(compiled(operator, u), 3, 1), atol=1e-13)


@pytest.mark.validation
def test_coordinates_and_learned_positions_break_the_symmetry(x64):
    """What the docstrings say about the published configuration."""
    places = small.LINE
    learned = dataclasses.replace(small.LINE, coordinates=False)
    for config in (places, learned):
        network, context = small.network(config), small.context(config)
        there = step(network, jnp.asarray(np.roll(context, 4, -1)))
        assert not np.allclose(there, np.roll(step(network, context), 4, -1), atol=1e-6)


@pytest.mark.parametrize("form", ["text", slow("code")])
def test_fourier_interfaces_agree_at_the_ends(form):
    config = dataclasses.replace(small.LINE, target=FourierConfig(2, 2, 4, 6, 1, (3,), 2, form))
    context = small.context(config)
    flux = read(small.network(config), context).fluxes[0]
    padded = np.pad(np.asarray(context)[-1], ((0, 0), (flux.ghost, flux.ghost)), mode="wrap")
    values = np.asarray(compiled(flux, padded, np.asarray(1.0, "f4"), 1.0))
    assert values.shape == (1, 17)
    np.testing.assert_array_equal(values[:, 0], values[:, -1])


def test_stencils_need_both_sides():
    with pytest.raises(ValueError, match="at least one cell on each side; got 0 and 2"):
        small.network(dataclasses.replace(small.LINE, target=LocalConfig(0, 2, 6, 6, 1)))
