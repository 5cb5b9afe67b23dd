"""Monotone schemes of first order."""

import abc
from typing import ClassVar

import jax.numpy as jnp

from hfluxno.fv.numerical_flux import (
    Interfaces,
    LawFlux,
    Number,
    Padded,
    diffusive_flux,
    largest,
    limiting_speed,
)
from hfluxno.fv.riemann import rusanov, speed_bound
from hfluxno.laws.base import ConservationLaw


class FirstOrder(LawFlux):
    """A flux between the states of two neighbouring cells, and forward Euler steps."""

    ghost: ClassVar[int] = 1
    integrator: ClassVar[str] = "euler"
    law: ConservationLaw

    @abc.abstractmethod
    def between(self, left: Padded, right: Padded) -> Interfaces:
        """The flux without diffusion."""

    def __call__(self, padded: Padded, dt: Number, dx: float) -> Interfaces:
        convective = self.between(padded[..., :-1], padded[..., 1:])
        return convective + diffusive_flux(self.law, padded, dx)

    def speed(self, padded: Padded, dx: float) -> Number:
        bound = speed_bound(self.law, padded[..., :-1], padded[..., 1:])
        return limiting_speed(self.law, largest(bound), padded, dx)


class Rusanov(FirstOrder):
    """The first-order Rusanov flux, monotone for scalar laws."""

    def between(self, left: Padded, right: Padded) -> Interfaces:
        return self.law.across(left, right, rusanov(self.law, left, right))


class EngquistOsher(FirstOrder):
    """The first-order upwind flux of one field whose flux turns at most once,

        F(l, r) = f(l) + ∫_l^r min(f′(u), 0) du,

    monotone, and equal to Godunov's except at shocks in which f′ changes its sign (Engquist and
    Osher, Math. Comp. 36, 1981, 321-351). A flux that turns more often has Rusanov's.

    **Attributes:**

    - `law`: the conservation law, of one field.
    - `turn`: the state at which its flux turns, far away if it does not.
    - `sign`: 1 if it has a maximum there, -1 if a minimum, 0 if it turns more than once.
    """

    turn: Number
    sign: Number

    def between(self, left: Padded, right: Padded) -> Interfaces:
        at, top = self.turn, self.sign > 0.0
        sent = self.law.flux(jnp.where(top == (left < at), left, at))
        taken = self.law.flux(jnp.where(top == (right > at), right, at))
        # In this order what does not flow cancels to the last digit.
        upwind = sent + (taken - self.law.flux(jnp.full_like(left, at)))
        return jnp.where(self.sign == 0.0, rusanov(self.law, left, right), upwind)
