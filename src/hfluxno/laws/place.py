"""Laws that depend on place: functions of x, and a flux scaled by one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from hfluxno.laws.base import ConservationLaw, Matrix, Places, State, Time, by_field


class PlaceModes(eqx.Module):
    """Smooth functions on [lower, upper] with mean zero.

    On a circle cos(2πmξ) and sin(2πmξ), m = 1, …, count/2; otherwise cos(πmξ), m = 1, …, count;
    with ξ = (x - lower)/(upper - lower).
    """

    lower: Float[Array | np.ndarray, ""] | float
    upper: Float[Array | np.ndarray, ""] | float
    count: int = eqx.field(static=True)
    periodic: bool = eqx.field(static=True)

    def __call__(self, x: Float[Array, "*points"]) -> Float[Array, "mode *points"]:
        xi = (x - self.lower) / (self.upper - self.lower)
        # All at once: a mode at a time makes a program of so many operations that is long compiled.
        numbers = (1.0 + self.periodic) * np.pi * self.wavenumbers.reshape(-1, *(1,) * xi.ndim)
        angles = jnp.asarray(numbers, xi.dtype) * xi[None]
        if not self.periodic:
            return jnp.cos(angles)
        odd = (np.arange(self.count) % 2 == 1).reshape(numbers.shape)
        return jnp.where(odd, jnp.sin(angles), jnp.cos(angles))

    @property
    def wavenumbers(self) -> np.ndarray:
        """m of each function."""
        return np.arange(self.count) // 2 + 1 if self.periodic else np.arange(1, self.count + 1)


def share_inside(
    x: Float[Array, "*points"],
    begin: Float[Array, ""],
    end: Float[Array, ""],
    width: float | None,
    period: Float[Array | np.ndarray, ""] | float | None,
) -> Float[Array, "*points"]:
    """The share of [x - width/2, x + width/2] that is inside the stretch [begin, end] or, on a
    circle, one of its images; without a width whether x is. A cell that an end divides has a
    derivative by the place of it.
    """

    def overlap(shift):
        if width is None:
            return ((begin + shift <= x) & (x < end + shift)).astype(x.dtype)
        high = jnp.minimum(x + 0.5 * width, end + shift)
        low = jnp.maximum(x - 0.5 * width, begin + shift)
        return jnp.clip((high - low) / width, 0.0, 1.0)

    if period is None:
        return overlap(0.0)
    return jnp.minimum(overlap(-period) + overlap(0.0) + overlap(period), 1.0)


_SAMPLES, _HALVINGS = 65, 48
# The part of the variation of a flux that may go the other way: a polynomial that was fitted has
# waves of no meaning.
_LITTLE = 0.03
# So many ranges away the continued flux exceeds all that occurs.
_FAR = 1e3


class Turn(eqx.Module):
    """Where a scalar flux turns.

    - `state`: that of its maximum or minimum, far away if it has none.
    - `sign`: 1 of a maximum, -1 of a minimum, 0 if the flux turns more than once.
    """

    state: Float[Array, ""]
    sign: Float[Array, ""]


def turn(
    law: ConservationLaw, lower: Float[Array | np.ndarray, ""], upper: Float[Array | np.ndarray, ""]
) -> Turn:
    """Where the flux of a scalar law turns between two states, beyond which it is linear."""
    lower, upper = jnp.asarray(lower), jnp.asarray(upper)
    u = jnp.linspace(lower, upper, _SAMPLES)
    flux, speed = law.flux(u[None])[0], law.jacobian(u[None])[0, 0]
    above = jnp.max(flux) - jnp.maximum(flux[0], flux[-1])
    below = jnp.minimum(flux[0], flux[-1]) - jnp.min(flux)
    top, turns = above >= below, jnp.maximum(above, below) > 0.0
    at = jnp.where(top, jnp.argmax(flux), jnp.argmin(flux))
    # The speed vanishes on one side of that sample.
    k = jnp.clip(at, 1, _SAMPLES - 2)
    k = jnp.where((speed[k - 1] > 0.0) != (speed[k] > 0.0), k - 1, k)
    between = _root(lambda v: law.jacobian(v[None, None])[0, 0, 0], u[k], u[k + 1])
    far = _FAR * (upper - lower)
    beyond = jnp.where(flux[-1] > flux[0], upper + far, lower - far)
    state = jnp.where(turns, between, beyond)
    up = jnp.diff(flux) * jnp.where((jnp.arange(_SAMPLES - 1) < at) == top, 1.0, -1.0)
    sign = jnp.where(top, 1.0, -1.0)
    sign = jnp.where(-jnp.sum(jnp.minimum(up, 0.0)) > _LITTLE * jnp.sum(jnp.abs(up)), 0.0, sign)
    return jax.tree.map(jax.lax.stop_gradient, Turn(state, sign.astype(u.dtype)))


def _root(speed, low, high):
    """Where the speed vanishes between two states, by bisection."""
    rising = speed(high) > speed(low)

    def halved(_, ends):
        low, high = ends
        middle = 0.5 * (low + high)
        beyond = (speed(middle) > 0.0) == rising
        return jnp.where(beyond, low, middle), jnp.where(beyond, middle, high)

    low, high = jax.lax.fori_loop(0, _HALVINGS, halved, (low, high))
    return 0.5 * (low + high)


class LawByPlace(ConservationLaw):
    """k(x) (f(u) + c) and s(u, x, t) + p(x), or + p(x) u_c, on the cells of a grid.

    Where k changes, a constant c contributes too. Both sides of an interface see the same k, which
    converges even if k jumps (Towers, SIAM J. Numer. Anal. 38, 2000, 681-698), but has layers of a
    few cells there. A scalar flux with one maximum that is known to jump has none of them: what
    passes is the lesser of what the left side sends and the right side takes,

        F = min(k_l f(min(l, θ)), k_r f(max(r, θ))),   f(θ) = max f

    (Adimurthi, Jaffré and Veerappa Gowda, SIAM J. Numer. Anal. 42, 2004, 179-208; in traffic the
    cell transmission model), with one minimum correspondingly.

    It needs a scheme that evaluates the flux only at the interfaces
    ([`Rusanov`][hfluxno.fv.Rusanov], [`MUSCL`][hfluxno.fv.MUSCL]).

    - `fields`: those of the law.
    - `law`: f, s, and everything else.
    - `factor`: k, one number per interface along an axis; in two dimensions preceded by the cells
      along the other axis.
    - `offset`: c, one number per field.
    - `arising`: p, one number per field and cell, or `None`.
    - `carrier`: c, the field by which p is multiplied, or `None`.
    - `sides`: k on the left and on the right of each interface, if it jumps there, and where the
      flux turns; or `None`.
    """

    fields: tuple[str, ...] = eqx.field(static=True)
    law: ConservationLaw
    factor: Float[Array | np.ndarray, "*others interface"]
    offset: Float[Array | np.ndarray, " field"]
    arising: Float[Array | np.ndarray, "field *cells"] | None = None
    sides: tuple[Float[Array, " interface"], Float[Array, " interface"], Turn] | None = None
    carrier: int | None = eqx.field(static=True, default=None)

    @property
    def negated_fields(self) -> tuple[int, ...]:
        return self.law.negated_fields

    @property
    def rowwise(self) -> bool:
        return self.factor.ndim < 2 and self.law.rowwise

    def flux(self, u: State) -> State:
        offset = by_field(jnp.asarray(self.offset, u.dtype), u)
        return self._along(u.ndim) * (self.law.flux(u) + offset)

    def jacobian(self, u: State) -> Matrix:
        return self._along(u.ndim + 1) * self.law.jacobian(u)

    @property
    def apart(self) -> Bool[Array, " interface"] | None:
        if self.sides is None:
            return None
        on_left, on_right, at = self.sides
        return (on_left != on_right) & (at.sign != 0.0)

    def across(self, left: State, right: State, flux: State) -> State:
        if self.sides is None or (apart := self.apart) is None:
            return flux
        (on_left, on_right, at), like = self.sides, (1,) * (left.ndim - 1)
        top, offset = at.sign > 0.0, jnp.asarray(self.offset, left.dtype).reshape(1, *like)
        lesser = jnp.minimum(left, at.state), jnp.minimum(right, at.state)
        greater = jnp.maximum(left, at.state), jnp.maximum(right, at.state)
        sends, takes = jnp.where(top, lesser[0], greater[0]), jnp.where(top, greater[1], lesser[1])
        sent = on_left.reshape(*like, -1) * (self.law.flux(sends) + offset)
        taken = on_right.reshape(*like, -1) * (self.law.flux(takes) + offset)
        passed = jnp.where(top, jnp.minimum(sent, taken), jnp.maximum(sent, taken))
        return jnp.where(apart.reshape(*like, -1), passed, flux)

    def _along(self, axes: int):
        return self.factor.reshape((1,) * (axes - self.factor.ndim) + self.factor.shape)

    def diffusivity(self, u: State) -> State | None:
        return self.law.diffusivity(u)

    def source(self, u: State, x: Places, t: Time) -> State | None:
        by_state = self.law.source(u, x, t)
        if self.arising is None:
            return by_state
        arising = jnp.broadcast_to(self.arising, u.shape)
        if self.carrier is not None:
            arising = arising * u[self.carrier][None]
        return arising if by_state is None else by_state + arising
