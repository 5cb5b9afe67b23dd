"""Runs of a forward model and their derivatives, by programs that serve any number of unknowns."""

import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from hfluxno.batching import on_all_cores
from hfluxno.fv.problem import Problem
from hfluxno.fv.sensitivity import solve_with_derivatives
from hfluxno.fv.solve import MOST_STEPS, at_rest, through
from hfluxno.identify.joint.forward import Forward
from hfluxno.parametric.subgrid import restrict
from hfluxno.stored_jit import stored_jit

# Derivatives are taken in two parts, on two cores. Directions that do not change the law cost
# little beside the bands of the Jacobian (`hfluxno.fv.banded`), so a part has half of them, rounded
# up to a multiple of this number, or as many as keep it small, and one of these numbers of those
# that do. Parts with twenty of the law and 64 others took three times as long for two fields.
_OF_LAW, _OTHERS, _NUMBERS_OF_A_PART = (4, 8, 12), 32, 2**17
# Measured values are derived along this many at once.
_AT_ONCE = 20
# If all change the law, they are taken in two halves. Laws with further terms are tried with few of
# them and then more, so they share a program.
_HALVES, _OF_FURTHER = (4, 6, 8), 10
# Programs are compiled for multiples of this number of times of open ends, and of as many modes of
# each field and side: of a context and of what follows it, as a rule.
_TIMES = 64


def on_other_cells(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> Float[np.ndarray, "time field cells"]:
    """The states of `run` on another internal grid (see `SolverSettings.on_other_cells`)."""
    other = dataclasses.replace(forward, settings=forward.settings.on_other_cells())
    return states_alone(other, z, intervals, max_steps)


def states_alone(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> Float[np.ndarray, "time field cells"]:
    """The states of `run`; without open ends, and on the cells of derivatives, by the program of
    `run`."""
    factor = forward.settings.refinement
    apart = forward.settings.of_derivatives().refinement < factor
    if apart or forward.ends is not None:
        states = _alone(*_for_program(forward, z), intervals, max_steps)[0]
        return restrict(np.asarray(states), factor)
    counts, nothing = _counts(forward), forward.free[:0]
    forward, z = _for_program(forward, z)
    directions = (_along(forward, nothing, count) for count in counts)
    return restrict(np.asarray(_run(forward, z, *directions, intervals, max_steps)[0]), factor)


def values_alone(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> Float[np.ndarray, "measured quantity cells"]:
    """What `run` and `measure` find, without the derivatives, in a small part of their time."""
    states = np.asarray(_alone(*_for_program(forward, z), intervals, max_steps)[0])
    if not forward.observation:
        return restrict(states, forward.settings.refinement)
    if forward.observes_linearly:
        return forward.observed_linearly(states)
    nothing = np.zeros((_AT_ONCE, forward.size))
    still = np.zeros((len(states), len(nothing), *states.shape[1:]))
    return np.asarray(_measured(forward, z, nothing, states, still)[0])


def states_of(
    forward: Forward, z: Float[np.ndarray, " unknown"], times: Float[np.ndarray, " time"]
) -> tuple[Float[np.ndarray, "time field cells"], Float[np.ndarray, "time unknown field cells"]]:
    """The states at these times, in frames, and their derivatives."""
    part, whole = from_the_first(times)
    states, rows, _ = run(forward, z, forward.intervals(whole), MOST_STEPS)
    factor = forward.settings.refinement
    return restrict(states[part], factor), restrict(rows[part], factor)


def states_at(
    forward: Forward, z: Float[np.ndarray, " unknown"], times: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "time field cells"]:
    """The states at these times, in frames, without derivatives."""
    part, whole = from_the_first(times)
    return states_alone(forward, z, forward.intervals(whole), MOST_STEPS)[part]


def from_the_first(
    times: Float[np.ndarray, " time"],
) -> tuple[slice, Float[np.ndarray, " time_"]]:
    """The indices of the times after that of the first state is prepended, and all of these."""
    before = int(times[0] > 0.0)
    return slice(before, before + len(times)), np.concatenate([np.zeros(before), times])


def _for_program(forward: Forward, z: Float[np.ndarray, " unknown"]):
    """The same run, without the observation and with open ends of more times and modes, which have
    no effect: so contexts of various lengths, and what follows them, share a program."""
    bare, ends = dataclasses.replace(forward, observation=()), forward.ends
    if ends is None:
        return bare, z
    modes, sides, fields, times = ends.modes.shape
    modes, times = -modes % (_TIMES * sides * fields), -times % _TIMES
    later = ends.times[-1] + np.arange(1.0, 1.0 + times)
    mean = np.pad(ends.mean, ((0, 0), (0, 0), (0, times)), "edge")
    every = np.pad(ends.modes, ((0, 0), (0, 0), (0, 0), (0, times)), "edge")
    every = np.pad(every, ((0, modes), (0, 0), (0, 0), (0, 0)))
    longer = dataclasses.replace(
        ends, times=np.concatenate([ends.times, later]), mean=mean, modes=every
    )
    return dataclasses.replace(bare, ends=longer), np.pad(z, (0, modes))


def run(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    intervals: Float[np.ndarray, " interval"],
    max_steps: int,
) -> tuple[Float[np.ndarray, "time field fine"], Float[np.ndarray, "time unknown field fine"], int]:
    """The states on internal cells at the first time and after each interval, their derivatives by
    all unknowns, and the largest number of steps in an interval. Derivatives are those of a run on
    fewer cells, if there are many (`SolverSettings.of_derivatives`)."""
    derived = dataclasses.replace(forward, settings=forward.settings.of_derivatives())
    each = forward.settings.refinement // derived.settings.refinement
    (bare, point), laws, free = _for_program(derived, z), len(forward.spread), forward.free
    of_law, of_others = free[free < laws], free[free >= laws]
    counts = width, others = _counts(forward)
    both = _parts(of_law, width), _parts(of_others, max(others, 1))
    chunks = list(itertools.zip_longest(*both, fillvalue=free[:0])) or [(free, free)]

    def one(chunk):
        if chunk is None:
            found = _alone(*_for_program(forward, z), intervals, max_steps)
        else:
            directions = (_along(bare, *each) for each in zip(chunk, counts, strict=True))
            found = _run(bare, point, *directions, intervals, max_steps)
        return tuple(map(np.asarray, found))

    parts = on_all_cores(one, [*chunks, *([None] if each > 1 else [])])
    # The intervals of length zero at the end only serve programs, such as that of `_measured`.
    past = len(intervals) + 1
    if forward.observes_linearly:
        past = int(np.max(np.flatnonzero(intervals), initial=-1)) + 2
    states, steps = parts[-1][0][:past], parts[-1][-1]
    derivatives = np.zeros((past, forward.size, *states.shape[1:]))
    for (first, second), (_, found, _) in zip(chunks, parts[: len(chunks)], strict=True):
        found = np.repeat(found[:past], each, axis=-1)
        derivatives[:, first] = found[:, : len(first)]
        derivatives[:, second] = found[:, width : width + len(second)]
    return states, derivatives, int(steps)


def measure(
    forward: Forward,
    z: Float[np.ndarray, " unknown"],
    states: Float[np.ndarray, "time field fine"],
    derivatives: Float[np.ndarray, "time unknown field fine"],
) -> tuple[
    Float[np.ndarray, "measured quantity cells"],
    Float[np.ndarray, "measured unknown quantity cells"],
]:
    """The measurements of a run and their derivatives by all unknowns."""
    if not forward.observation:
        factor = forward.settings.refinement
        return restrict(states, factor), restrict(derivatives, factor)
    if forward.observes_linearly:
        values = forward.observed_linearly(states)
        times, unknowns, fields, fine = derivatives.shape
        found = forward.observed_linearly(derivatives.reshape(times, unknowns * fields, fine))
        return values, found.reshape(len(found), unknowns, fields, -1)

    chunks = _parts(forward.free, _AT_ONCE) or [forward.free]

    def one(chunk):
        directions = _along(forward, chunk, _AT_ONCE)
        changes = np.zeros((len(states), len(directions), *states.shape[1:]))
        changes[:, : len(chunk)] = derivatives[:, chunk]
        return tuple(map(np.asarray, _measured(forward, z, directions, states, changes)))

    parts = on_all_cores(one, chunks)
    values = parts[0][0]
    found = np.zeros((values.shape[0], forward.size, *values.shape[1:]))
    for chunk, (_, part) in zip(chunks, parts, strict=True):
        found[:, chunk] = part[:, : len(chunk)]
    return values, found


def _counts(forward: Forward) -> tuple[int, int]:
    """The directions of a program that change the law, and those that do not."""
    free, laws = forward.free, len(forward.spread)
    others = int(np.sum(free >= laws))
    if not others and forward.shape.has_further:
        return _OF_FURTHER, 0
    half = -(-(len(free) - others) // 2)
    if not others:
        return next((size for size in _HALVES if size >= half), half), 0
    cells = forward.settings.refinement * forward.first.size
    most = max(_OTHERS, _NUMBERS_OF_A_PART // cells // _OTHERS * _OTHERS)
    width = next((size for size in _OF_LAW if size >= half), _OF_LAW[-1])
    return width, min(most, -(-others // (2 * _OTHERS)) * _OTHERS)


def _parts(unknowns: Int[np.ndarray, " unknown"], most: int) -> list[Int[np.ndarray, " part"]]:
    return [unknowns[k : k + most] for k in range(0, len(unknowns), most)]


def _along(forward: Forward, unknowns: Int[np.ndarray, " unknown"], count: int):
    """The directions along these unknowns, and then zeros."""
    directions = np.zeros((count, forward.size))
    directions[np.arange(len(unknowns)), unknowns] = 1.0
    return directions


@stored_jit
def _alone(forward, z, intervals, max_steps):
    """The states on internal cells without derivatives, and the largest number of steps in an
    interval."""
    problem, start = forward.problem(z)
    control, begin = forward.settings.control, at_rest(start, jnp.asarray(-1.0))

    def advance(run, interval):
        run = through(problem.numerical_flux, problem.grid, control, max_steps, run, interval)
        return run, (run.u, run.tries)

    _, (states, tries) = jax.lax.scan(advance, begin, intervals)
    states = jnp.concatenate([start[None], states])
    return states, jnp.max(tries)


@stored_jit
def _measured(forward, z, directions, states, changes):
    def along(direction, change):
        return jax.jvp(forward.observed, (z, states), (direction, change))

    return jax.vmap(along, (0, 1), (None, 1))(directions, changes)


@stored_jit
def _run(forward, z, of_law, of_others, intervals, max_steps):
    """The states on internal cells and their derivatives along directions, of which the second ones
    do not change the law."""

    def along(direction):
        return eqx.filter_jvp(forward.problem, (z,), (direction,))

    directions = jnp.concatenate([of_law, of_others])
    (problem, start), (changes, first) = jax.vmap(along, out_axes=(None, 0))(directions)
    of_scheme = jax.tree.map(lambda change: change[: len(of_law)], changes.numerical_flux)
    changes = Problem(of_scheme, changes.grid)
    settings, rate = forward.settings, jnp.asarray(-1.0)
    states, derivatives, steps = solve_with_derivatives(
        problem, changes, start, first, intervals, settings.control, rate, max_steps
    )
    states = jnp.concatenate([start[None], states])
    derivatives = jnp.concatenate([first[None], derivatives])
    return states, derivatives, steps
