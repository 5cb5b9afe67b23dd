"""Boundary conditions at the two ends of an axis: rules that fill ghost cells.

In two dimensions an end of an axis is a side, and a rule acts on each row of cells separately.

A scheme reads ghost cells without knowing which rule filled them, so a new boundary is one class
here and nothing else.
"""

import abc
from typing import ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hfluxno.coordinates import dates, seconds

BoundaryName = Literal["periodic", "outflow", "open", "wall", "reflecting", "inflow", "given"]


# The cells at an end of an axis, and as many ghost cells.
Edge = Float[Array, "field *others ghost"]
Time = Float[Array, ""] | float
Negated = tuple[int, ...]  # fields


class Boundary(eqx.Module):
    """One end of an axis.

    **Attributes:**

    - `name`: what files and messages call it.
    - `is_closed`: whether no conserved quantity passes.
    - `is_held`: whether the state at the end itself is given, so that diffusion sees it half a cell
      from the centre of the outermost one.
    """

    name: ClassVar[str]
    is_closed: ClassVar[bool] = False
    is_held: ClassVar[bool] = False

    @abc.abstractmethod
    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        """The ghost cells, as many as the cells next to the end in `edge`, both in the order of the
        axis.

        **Arguments:**

        - `side`: 0 for the lower end of the axis, 1 for the upper one.
        - `negated_fields`: the fields that change sign when the axis is reflected (a momentum).
        - `time`: of the states.
        """


class Periodic(Boundary):
    """The axis is a circle: what leaves at one end enters at the other. Both ends must be
    periodic."""

    name: ClassVar[str] = "periodic"

    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        raise ValueError(
            "A periodic boundary joins both sides; the cells of the other end fill it."
        )


class Outflow(Boundary):
    """Waves leave: the outermost cell is repeated."""

    name: ClassVar[str] = "outflow"

    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        outermost = edge[..., :1] if side == 0 else edge[..., -1:]
        return jnp.broadcast_to(outermost, edge.shape)


class Open(Outflow):
    """The end is open and the inflow unknown: an identification estimates it. A solver lets waves
    leave."""

    name: ClassVar[str] = "open"


class Wall(Boundary):
    """No conserved quantity passes.

    The cells next to the wall are mirrored, and the negated fields change sign. By symmetry the
    flux of every other field vanishes at the wall (LeVeque, Finite Volume Methods for Hyperbolic
    Problems, 2002, section 7.3.3). A scalar law has no field that changes sign;
    [`conservative_step`][hfluxno.fv.step] sets its flux to zero.
    """

    name: ClassVar[str] = "reflecting"
    is_closed: ClassVar[bool] = True

    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        sign = np.ones(edge.shape[0])
        sign[list(negated_fields)] = -1.0
        return jnp.flip(edge, axis=-1) * _for_fields(sign, edge)


class Inflow(Boundary):
    """A given, constant state outside the domain.

    **Attributes:**

    - `state`: one number per field, or (field, cells) along a side of a plane.
    """

    name: ClassVar[str] = "inflow"
    is_held: ClassVar[bool] = True
    state: Float[Array | np.ndarray, "field *side"]

    def __check_init__(self) -> None:
        if isinstance(self.state, np.ndarray) and not np.all(np.isfinite(self.state)):
            raise ValueError("The state outside an inflow must be finite numbers; correct it.")

    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        return jnp.broadcast_to(_for_fields(self.state, edge), edge.shape)


def _in_seconds(times):
    return seconds(dates(times)) if isinstance(times, np.ndarray) else times


class Given(Boundary):
    """A given state at the end of the domain that changes in time: linear between the given times,
    constant before the first and after the last. All ghost cells hold it, so a scheme with
    reconstruction ([`MUSCL`][hfluxno.fv.MUSCL]) sees it at the interface and keeps its order. In
    two dimensions it is constant along the side.

    **Attributes:**

    - `times`: increasing; dates count as seconds since 1970, as those of a trajectory.
    - `values`: one row per field, one column per time.
    """

    name: ClassVar[str] = "given"
    is_held: ClassVar[bool] = True
    times: Float[Array | np.ndarray, " time"] = eqx.field(converter=_in_seconds)
    values: Float[Array | np.ndarray, "field time"]

    def __check_init__(self) -> None:
        if np.ndim(self.values) != 2 or np.shape(self.values)[1] != np.shape(self.times)[0]:
            raise ValueError(
                "A given boundary needs times of shape (time,) and values of shape (field, time); "
                f"got {np.shape(self.times)} and {np.shape(self.values)}."
            )
        if not (isinstance(self.times, np.ndarray) and isinstance(self.values, np.ndarray)):
            return
        if not len(self.times) or not np.all(np.diff(self.times) > 0.0):
            raise ValueError("A given boundary needs increasing times, at least one; sort them.")
        if not np.all(np.isfinite(self.values)):
            raise ValueError(
                "A given boundary needs finite states; leave out the times at which the state is "
                "not known, between the others it is linear."
            )

    def ghost_cells(self, edge: Edge, side: int, negated_fields: Negated, time: Time) -> Edge:
        times = jnp.asarray(self.times).astype(edge.dtype)
        state = jnp.stack(
            [jnp.interp(time, times, row) for row in jnp.asarray(self.values).astype(edge.dtype)]
        )
        return jnp.broadcast_to(_for_fields(state, edge), edge.shape)


_NAMED: dict[str, type[Boundary]] = {
    "periodic": Periodic,
    "outflow": Outflow,
    "open": Open,
    "wall": Wall,
    "reflecting": Wall,
}
BOUNDARIES = (*_NAMED, "inflow", "given")
WALLS = frozenset(name for name, kind in _NAMED.items() if kind.is_closed)


def named(
    boundary: BoundaryName | Boundary, inflow: Float[Array | np.ndarray, " field"] | None = None
) -> Boundary:
    """The boundary of that name; `inflow` is the state outside an `inflow` boundary.

    **Raises:**

    - `ValueError`, if there is no such boundary, or an inflow has no state.
    """
    if isinstance(boundary, Boundary):
        return boundary
    if isinstance(boundary, type) and issubclass(boundary, Boundary):
        raise ValueError(
            f"{boundary.__name__} is a kind of boundary; pass an object, as in "
            f"{boundary.__name__}(), or a name."
        )
    if boundary == "inflow":
        if inflow is None:
            raise ValueError(
                "An inflow boundary needs the state outside of the domain: pass Inflow(state) of "
                "hfluxno.boundary for its name; on a line also inflow=array of shape (field, 2), "
                "one column per side."
            )
        return Inflow(inflow)
    if boundary == "given":
        raise ValueError(
            "A given boundary needs the states at the end over time: pass the object "
            "Given(times, values) of hfluxno.boundary for its name, or a file with --ends FILE."
        )
    if boundary not in _NAMED:
        raise ValueError(f"Unknown boundary {boundary!r}; choose one of {', '.join(BOUNDARIES)}.")
    return _NAMED[boundary]()


def _for_fields(numbers, like: Float[Array, "field *points"]) -> Float[Array, "field *ones"]:
    shape = np.shape(numbers) + (1,) * (like.ndim - np.ndim(numbers))
    return jnp.asarray(numbers).astype(like.dtype).reshape(shape)
