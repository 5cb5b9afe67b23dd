"""The contact wave of a fluid whose law is a known one.

With ρ the density and n its velocity along the axis, n = F_ρ/ρ = c m/ρ, the fluxes of momentum and
energy are m n + P and (E + p) n with P = c p. In the units of the data c is 1, in cells and frames
it is the interval between frames divided by the length of a cell. Velocity and pressure are the
same on both sides of the contact (Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics,
2009, section 10.4).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def contact(
    law,
    left: Float[Array, "field *points"],
    right: Float[Array, "field *points"],
    slowest: Float[Array, "*points"],
    fastest: Float[Array, "*points"],
    axis: int,
) -> tuple[Float[Array, "*points"], Float[Array, "field *points"], Float[Array, "field *points"]]:
    """The speed of the contact, and the states on its left and right.

    - `law`: a fluid, with a momentum and a density that it divides by; any other field is
      transported as an energy, with the work of the pressure.
    """
    (density,), momentum = law.positive, law.vectors[0]
    along = momentum[axis]
    unit = tuple(int(i == along) for i in range(len(law.fields)))
    k = law.basis.exponents.index(unit)
    c = (law.coefficients[axis, density, k] / law.basis.scale[along]).astype(left.dtype)
    sides = []
    for u, speed in ((left, slowest), (right, fastest)):
        n = c * u[along] / u[density]
        pressure = law.flux(u, axis)[along] - u[along] * n
        sides.append((u, n, pressure, speed, u[density] * (speed - n)))
    (_, n_left, p_left, _, swept_left), (_, n_right, p_right, _, swept_right) = sides
    # The masses that the outermost waves sweep up in unit time.
    push = c * (p_right - p_left) + n_left * swept_left - n_right * swept_right
    moves = swept_left != swept_right
    middle = jnp.where(moves, push / jnp.where(moves, swept_left - swept_right, 1.0), n_left)

    def star(u, n, pressure, speed, swept):
        factor = (speed - n) / (speed - middle)
        result = [factor * component for component in u]
        result[along] = factor * u[density] * middle / c
        for i in set(range(len(u))) - {density, *momentum}:
            work = (middle - n) * (u[density] * middle / (c * c) + pressure / (c * (speed - n)))
            result[i] = factor * (u[i] + work)
        return jnp.stack(result)

    return middle, star(*sides[0]), star(*sides[1])
