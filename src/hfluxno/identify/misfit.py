"""What the misfit of a fitted law looks like: noise, errors of a scheme, or another law.

    e_j = u_j - û_j,   j = 1, …

is the difference of the simulated and the observed frames, each field counted in its standard
deviation. Independent noise leaves an e without memory, and means over several cells take it away;
the errors of a scheme sit at jumps, a few cells wide, and those of the first state die out. What a
law of the wrong kind leaves out acts on every frame and on wide places in the same way, so its
misfit is shared by neighbouring frames and cells, and it is there at the end of the context, from
where a forecast goes on.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

# A misfit is systematic where the part that is shared at the end exceeds this part of the
# deviation. On contexts of known origin (`make trust`) laws stayed below .025, and what made
# forecasts wrong by more than .035 at 20 steps was above .055.
_SYSTEMATIC = 0.04
# A smaller one is, where it has grown from frame to frame all along, as a missing term's does:
# it will go on.
_GROWING, _ALIKE, _GROWTH = 0.015, 0.9, 3.0
# It is too where one number, a change of speed, explains this part of it, beyond this part of the
# deviation: that leaves a tenth of the deviation two contexts later. On laws (`make trust`, seed 2)
# it explained .05 at most.
_CHANGING, _WORTH_A_CHANGE = 0.2, 0.003
# It is too where the total variation of one field has grown by more than this part of it. That of
# laws solved by other programs (`make trust`, seed 2) did not grow.
_VARYING = 0.02
# Noise of the first frame is carried along, so neighbouring frames share as much of it at most;
# the rest is for chance.
_NOISE_ALLOWANCE = 1.5
_CELLS = 5
# A field that varies by less than this part of its size is constant.
_ROUNDING = 1e-12
# Consistency of the median of absolute values with the standard deviation of a normal variable.
_NORMAL_MEDIAN = 0.6745


@dataclasses.dataclass(frozen=True)
class Misfit:
    """Measures of a misfit; all are free of units.

    **Attributes:**

    - `size`: its root mean square, in standard deviations of the fields.
    - `of_motion`: the same as a part of what moves, which is the deviation of the observed frames
      from the first one.
    - `in_time`, `in_space`: its correlation between neighbouring frames and between neighbouring
      cells, from -1 to 1, about zero for independent noise; zero where there is no misfit, NaN
      where no neighbours were measured.
    - `growth`: its size in the last third of the frames relative to that in the first third.
    - `noise`: the noise of the data as their differences show it, in standard deviations of the
      fields.
    - `shared`: the size, in the last third of the frames, of what means over five cells have in
      common with the next frame, without what noise explains; in standard deviations of the
      fields. With `changing` it decides whether the misfit is `systematic`.
    - `changing`: the part of the misfit that a speed which changes in time explains.
    - `variation`: the part by which the total variation of the frames has grown, where the law is
      one that cannot make it grow (see `hfluxno.identify.variation`); 0 of other laws.
    """

    size: float
    of_motion: float
    in_time: float
    in_space: float
    growth: float
    noise: float
    shared: float
    changing: float
    variation: float = 0.0

    @property
    def varies_more(self) -> bool:
        """Whether the total variation has grown."""
        return self.variation > _VARYING

    @property
    def systematic(self) -> bool:
        """Whether the misfit is neither noise nor the usual error of a scheme."""
        grows = self.in_time > _ALIKE and self.growth > _GROWTH
        explained = self.size * np.sqrt(self.changing)
        changes = self.changing > _CHANGING and explained > _WORTH_A_CHANGE
        return bool(
            self.varies_more or changes or self.shared > (_GROWING if grows else _SYSTEMATIC)
        )

    def __str__(self) -> str:
        in_space = "unknown" if np.isnan(self.in_space) else f"{self.in_space:.2f}"
        more = (
            f"the total variation grows by {self.variation:.0%}, which it cannot by transport and "
            "diffusion of one field; "
        )
        return (more if self.varies_more else "") + (
            f"misfit {100 * self.size:.2g} % of the standard deviation, {100 * self.of_motion:.2g} "
            f"% of what moves; at the end of the context {100 * self.shared:.2g} % are shared by "
            f"neighbouring frames and cells beyond noise of {100 * self.noise:.2g} %; correlation "
            f"in time {self.in_time:.2f}, in space {in_space}, growth {self.growth:.2g}-fold; a "
            f"speed that changes in time explains {self.changing:.0%}"
        )


UNKNOWN = Misfit(*[float("nan")] * 8)


def measure(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    times: Float[np.ndarray, " time"] | None = None,
) -> Misfit:
    """The measures of `simulated` minus `observed`, both from the first frame on; at equal
    intervals if no `times` are given."""
    deviation = np.std(observed, axis=(0, 2))
    varies = deviation > _ROUNDING * np.max(np.abs(observed), axis=(0, 2))
    scale = np.where(varies, deviation, 1.0)[:, None]
    e = ((simulated - observed) / scale)[1:, varies]
    data = (observed / scale)[:, varies]
    size, noise, third = _rms(e), noise_level(data), max(1, len(e) // 3)
    return Misfit(
        size=size,
        of_motion=_ratio(size, _rms(data[1:] - data[:1])),
        in_time=correlation(e[1:], e[:-1]),
        in_space=correlation(e[..., 1:], e[..., :-1]),
        growth=_ratio(_rms(e[-third:]), _rms(e[:third])),
        noise=noise,
        shared=_shared(e[-max(2, third) :], noise),
        changing=change_of_speed(simulated[:, varies], observed[:, varies], times).explained,
    )


def measure_apart(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
) -> Misfit:
    """The measures at places that are too few to be compared with each other; NaN in `observed`
    where nothing was. What is shared is what neighbouring frames of the whole context have in
    common beyond two standard deviations of what independent ones would."""
    deviation = np.nanstd(observed, axis=(0, 2))
    scale = np.where(deviation > 0.0, deviation, 1.0)[:, None]
    e, moves = (simulated - observed) / scale, (observed - observed[:1]) / scale
    pairs = e[1:] * e[:-1]
    pairs = pairs[np.isfinite(pairs)]
    common = float(np.mean(pairs)) if len(pairs) else 0.0
    size, third = _known_rms(e), max(1, len(e) // 3)
    chance = 2.0 * size**2 / np.sqrt(max(len(pairs), 1))
    return Misfit(
        size=size,
        of_motion=_ratio(size, _known_rms(moves)),
        in_time=_ratio(common, size**2),
        in_space=float("nan"),
        growth=_ratio(_known_rms(e[-third:]), _known_rms(e[:third])),
        noise=float(np.sqrt(max(size**2 - max(common, 0.0), 0.0))),
        shared=float(np.sqrt(max(common - chance, 0.0))),
        changing=0.0,
    )


def _known_rms(e: np.ndarray) -> float:
    known = e[np.isfinite(e)]
    return _rms(known) if len(known) else 0.0


@dataclasses.dataclass(frozen=True)
class ChangeOfSpeed:
    """Frames that are late by c τ + a (τ² - τ) at the time τ of the context, from 0 to 1, differ by
    as much of ∂u/∂τ; `explained` is the part of the misfit that a explains beyond c."""

    a: float
    explained: float


def change_of_speed(
    simulated: Float[np.ndarray, "time field cells"],
    observed: Float[np.ndarray, "time field cells"],
    times: Float[np.ndarray, " time"] | None = None,
) -> ChangeOfSpeed:
    """That of `simulated` frames, by least squares; `times` as in `measure`."""
    past = np.arange(len(observed), dtype=float) if times is None else times
    past = (past - past[0]) / (past[-1] - past[0])
    deviation = np.std(observed, axis=(0, 2))[:, None]
    scale = np.where(deviation > 0.0, deviation, 1.0)
    rate = np.gradient(simulated, past, axis=0)[1:] / scale
    late = past[1:, None, None]
    steady, changing = late * rate, (late**2 - late) * rate
    missed, changing = (
        u - steady * _ratio(float(np.sum(u * steady)), float(np.sum(steady**2)))
        for u in ((simulated - observed)[1:] / scale, changing)
    )
    common, size = float(np.sum(missed * changing)), float(np.sum(changing**2))
    explained = _ratio(common**2, size * float(np.sum(missed**2)))
    return ChangeOfSpeed(_ratio(common, size), explained)


def noise_level(values: Float[np.ndarray, "time field cells"]) -> float:
    """The standard deviation of independent noise on `values`.

    From second differences in time of second differences in space, which leave little of what
    moves; their median, because jumps are in few places.
    """
    if len(values) < 3:
        return 0.0  # two frames do not tell it
    differences = np.diff(np.diff(values, n=2, axis=0), n=2, axis=2)
    return float(np.median(np.abs(differences)) / (_NORMAL_MEDIAN * 6.0))


def _shared(e: np.ndarray, noise: float) -> float:
    if len(e) < 2:
        return 0.0
    means = np.mean(np.lib.stride_tricks.sliding_window_view(e, _CELLS, axis=2), axis=3)
    common = np.mean(means[1:] * means[:-1])
    return float(np.sqrt(max(0.0, common - _NOISE_ALLOWANCE * noise**2 / _CELLS)))


def _rms(e: np.ndarray) -> float:
    return float(np.sqrt(np.mean(e**2)))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Σ a b over the most that it could be, from -1 to 1; zero where a or b is."""
    return _ratio(float(np.sum(a * b)), float(np.sqrt(np.sum(a**2) * np.sum(b**2))))
