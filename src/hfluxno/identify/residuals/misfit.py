"""What the misfit of a fitted law looks like: noise, errors of a scheme, or another law.

    e_j = u_j - û_j,   j = 1, …

is the difference of the simulated and the observed frames, each field in units of its standard
deviation. Independent noise makes e uncorrelated in time, and averages over several cells remove
it; scheme errors are a few cells wide and sit at jumps, and errors of the first state die out. A
term that the law lacks acts in the same way on every frame and over wide regions, so its misfit is
shared by neighbouring frames and cells, and persists to the end of the context.
"""

import dataclasses

import numpy as np

from hfluxno.identify.residuals.noise import ratio
from hfluxno.plural import percent

# A misfit is systematic if the part shared at the end exceeds this fraction of the deviation. On
# contexts of known origin (`make trust`) it stayed below .025 for conservation laws, and was above
# .055 where forecasts were wrong by more than .035 at 20 steps.
_SYSTEMATIC = 0.04
# So is a smaller one that has grown from frame to frame throughout, as that of a missing term does,
# because it will keep growing: by this factor, or by the second if neighbouring cells are as alike
# as neighbouring frames, which neither noise nor errors at jumps are.
_GROWING, _ALIKE, _GROWTH, _GROWTH_OF_WIDE = 0.015, 0.9, 3.0, 1.5
# It is also systematic if a single number, a change of speed, explains this fraction of it and more
# than this fraction of the deviation, which grows to a tenth of the deviation two contexts later.
# For conservation laws (`make trust`, seed 2) it explained .05 at most.
_CHANGING, _WORTH_A_CHANGE = 0.2, 0.003
# So it is if a flux that depends on time explains this share of what flux and diffusion leave of
# the weak form, or the second one, and a change of speed this fraction of the misfit. See
# `hfluxno.identify.residuals.cause` for the shares of laws.
_TIMED, _TIMED_TOO, _CHANGING_TOO = 0.7, 0.4, 0.1
# Judged beside other unknowns, a speed has to change by this fraction or more to either side; see
# `hfluxno.identify.residuals.measured` for how certain it has to be.
_SLOWING = 0.045
# A sudden change of speed explains this fraction of it or more, and this of the deviation, and is
# by this fraction or more. Of 132 contexts of laws with 0 to 5 % noise none is flagged for it; it
# was as certain by .066 at most, where speeds jump. Of 20 of roads whose speed falls by .13 to .3
# in the last two to seven frames 19 are flagged, 13 before.
_SUDDEN, _WORTH_IF_SUDDEN, _SLOWER = 0.1, 0.002, 0.08
# A change by all of the speed or more is none that derivatives by the speed could tell: what they
# then explain is something else (a hidden momentum, by waves that are 334 % faster).
# Nor of a run that misses this part of the change, which tells nothing of speeds.
_MOST_SLOWER, _MOST_MISSED = 1.0, 0.5
# The last frames are missed more than the others, by this factor and this much of the deviation. Of
# the same contexts of laws it was 1.3 times at most if the others are missed by noise, behind a
# slow vehicle 2.5 times.
_MORE_AT_END, _WORTH_AT_END = 1.8, 0.04
# Dispersion beyond noise explains at least this fraction of it.
_DISPERSING_BEYOND_NOISE = 0.25
# It is also systematic if half of it would not be there had the frames been seen at other times. Of
# laws (seeds 2 and 3, with and without noise) other times explained a sixth at most.
_AT_OTHER_TIMES = 0.5
# It is also systematic if the total variation of one field has grown by more than this fraction.
# That of laws solved by other programs (`make trust`, seed 2) did not grow.
_VARYING = 0.02
# It is also systematic if dispersion explains this fraction of what flux and diffusion leave of the
# weak form, unless the law reproduces the frames, errors of their scheme included. Of laws (21
# kinds, two seeds, with and without noise) it explained .42 at most, of a first-order scheme's .6,
# of 256 other contexts of laws, 120 of them by schemes of second order or less on 128 to 512 cells,
# .72; of Lax and Wendroff's scheme, which disperses, more than .9 in two of 60. Of steepening waves
# of KdV's equation without noise it was more in 39 of 40 that disperse by .013 to .13 cells³ a
# frame, and in three of eight by .0065.
_DISPERSING, _REPRODUCED = 0.9, 1e-3
# The quadrature of waves that travel six cells a frame looks like dispersion too, but then the
# misfit of the law is not alike from frame to frame, as that of the eight above was (.7 or more).
_ALIKE_OF_WAVES = 0.3
# A misfit is not noise if it is so many times what neighbouring values show and more than so much
# of the standard deviation. It was at most 4.6 times for 23 reconstructions from sensors that a law
# explains, 9 and 10 times (22 %) for a moving bottleneck and a speed that changes in time.
_FAR_ABOVE, _BESIDE_FRONTS = 5.0, 0.15
# Nor is it one if linear interpolation between sensors leaves little more. It was .2 to .5 of that
# for real temperatures where the law predicted other sensors twice as well as interpolation, and
# .86 and more where it predicted them half as well (both as `OK`).
_AS_INTERPOLATION = 0.75
# Nor if it stays at sensors from frame to frame, beyond twice the noise. Of eight contexts of a law
# at sensors (`make trust`, seeds 11 and 12) the correlation was .14 at most, of a rod with offsets
# of its sensors .74.
_STAYS, _LITTLE = 0.7, 0.02
# Nor is the law right if the others predict the median sensor so much worse than they claim. It was
# .85 at most for six contexts of a law at sensors, and 1.5 for real ones that were predicted well.
# On a heated rod with five sensors it was 6.7; a sensor held out was off by .56 deviations.
_UNPREDICTED = 4.0
FEWEST_FOR_MISFIT = 8  # sensors
# What is measured with a gain g, w = g u, has the flux g f(w/g), which changes as g does. A memory
# that fills makes waves faster.
_LIKE_SPEED = "; sensors whose gain drifts, or a law with a memory, may look alike"


@dataclasses.dataclass(frozen=True)
class Misfit:
    """Measures of a misfit, all dimensionless.

    - `size`: its root mean square, in standard deviations of the fields.
    - `of_motion`: the same relative to the change of the observed frames since the first.
    - `in_time`, `in_space`: its correlation between neighbouring frames and between neighbouring
      cells, from -1 to 1, about zero for independent noise; zero if there is no misfit, NaN if no
      neighbours were measured.
    - `growth`: its size in the last third of the frames relative to that in the first third.
    - `noise`: that of the data, from their differences, in standard deviations of the fields.
    - `shared`: the size, in the last third of the frames, of what means over five cells have in
      common with those of the next frame, less what noise explains; in standard deviations of the
      fields.
    - `changing`: the fraction of the misfit that a speed changing in time explains; beyond noise,
      if that is certain.
    - `variation`: the relative growth of the total variation of the frames, if the law is one that
      cannot increase it (see `hfluxno.identify.residuals.variation`), else 0.
    - `timing`: the fraction of the misfit that other times of the frames explain; frames that were
      left out unnoticed, seen twice or late, and any factor of the flux that depends on time.
    - `dispersion`: the share of what flux and diffusion leave of the weak form that dispersion
      explains (see `hfluxno.identify.residuals.cause`).
    - `timed`: the share of it that a flux that depends on time explains.
    - `beside`: whether changes of speed and dispersion were judged beside other unknowns, as under
      noise.
    - `slowing`, `likely`: the a of this speed (see `hfluxno.identify.residuals.delays`), and the
      fraction of a² that is neither chance nor something else.
    - `sudden`, `slower`, `slower_from`: the fraction that a sudden change of speed explains, beyond
      noise if that is certain, by how much waves are slower then, and from which frame on.
    - `at_end`: how many times as much each of the last two frames is missed as the median frame, if
      that is missed by little more than noise; else 0.
    - `dispersing`: the fraction of the misfit beyond noise that dispersion explains beside other
      unknowns, if that is certain.
    - `in_noise_shown`: for a joint estimate without a known noise, the misfit in units of the noise
      that neighbouring values show; else 0.
    - `of_interpolation`: at sensors, the misfit relative to that of linear interpolation between
      their neighbours, both beyond noise (see `hfluxno.identify.joint.misfit_at_sensors`); else 0.
    - `left_out`: at sensors, the mean square of the median sensor's distance from what the others
      say of it, in units of the variance that it should have (see
      `hfluxno.identify.residuals.left_out`).
    - `odd_frame`: the number, from 0, of the frame before which these times change most.
    - `in_noise`: its root mean square with each value in units of its noise, 0 if no noise
      was given.
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
    timing: float = 0.0
    dispersion: float = 0.0
    timed: float = dataclasses.field(default=0.0, kw_only=True)
    beside: bool = dataclasses.field(default=False, kw_only=True)
    slowing: float = 0.0
    likely: float = 0.0
    dispersing: float = 0.0
    in_noise_shown: float = 0.0
    of_interpolation: float = dataclasses.field(default=0.0, kw_only=True)
    left_out: float = dataclasses.field(default=0.0, kw_only=True)
    odd_frame: int = dataclasses.field(default=0, kw_only=True)
    in_noise: float = dataclasses.field(default=0.0, kw_only=True)
    sudden: float = dataclasses.field(default=0.0, kw_only=True)
    slower: float = dataclasses.field(default=0.0, kw_only=True)
    slower_from: int = dataclasses.field(default=0, kw_only=True)
    at_end: float = dataclasses.field(default=0.0, kw_only=True)

    @property
    def varies_more(self) -> bool:
        """Whether the total variation has grown."""
        return self.variation > _VARYING

    @property
    def at_other_times(self) -> bool:
        """Whether the frames seem to have been seen at other times than those given."""
        worth = self.size * np.sqrt(self.timing) > _WORTH_A_CHANGE
        return bool(self.timing > _AT_OTHER_TIMES and worth)

    @property
    def changes_speed(self) -> bool:
        """Whether a speed that changes in time explains a part of it that matters."""
        worth = self.size * np.sqrt(self.changing) > _WORTH_A_CHANGE
        if self.beside:
            worth = worth and abs(self.slowing) > _SLOWING
        return bool(self.changing > _CHANGING and worth)

    @property
    def changes_in_weak_form(self) -> bool:
        """Whether the flux seems to depend on time, as far as the weak form tells."""
        too = self.timed > _TIMED_TOO and self.changing > _CHANGING_TOO
        return bool((self.timed > _TIMED or too) and not self.reproduced)

    @property
    def changes_suddenly(self) -> bool:
        """Whether a speed that changes at once explains a part of it that matters."""
        worth = self.size * np.sqrt(self.sudden) > _WORTH_IF_SUDDEN
        likely = _SLOWER < abs(self.slower) < _MOST_SLOWER and self.of_motion < _MOST_MISSED
        return bool(self.sudden > _SUDDEN and likely and worth)

    @property
    def ends_otherwise(self) -> bool:
        """Whether something new has entered the last frames."""
        beyond = self.noise * np.sqrt(max(self.at_end**2 - 1.0, 0.0))
        return bool(self.at_end > _MORE_AT_END and beyond > _WORTH_AT_END)

    @property
    def disperses(self) -> bool:
        """Whether waves disperse, which no law here makes them do, and the misfit shows it."""
        in_weak_form = (
            self.dispersion > _DISPERSING and self.in_time > _ALIKE_OF_WAVES and not self.reproduced
        )
        return in_weak_form or self.dispersing > _DISPERSING_BEYOND_NOISE

    @property
    def far_above_noise(self) -> bool:
        """Whether it is far above the noise, and not only where a front passes."""
        return bool(self.in_noise_shown > _FAR_ABOVE and self.size > _BESIDE_FRONTS)

    @property
    def like_interpolation(self) -> bool:
        """Whether linear interpolation explains what sensors measure nearly as well."""
        return self.of_interpolation > _AS_INTERPOLATION

    @property
    def stays(self) -> bool:
        """Whether it is beyond the noise at sensors, and alike in neighbouring frames."""
        return self.of_interpolation > 0.0 and self.in_time > _STAYS and self.size > _LITTLE

    @property
    def unpredicted(self) -> bool:
        """Whether sensors are predicted far worse by the others than the law claims."""
        return self.left_out > _UNPREDICTED

    @property
    def by_noise(self) -> float:
        """The noise of the data relative to the misfit; of frames with gaps, both with zeros for
        what was not measured."""
        return ratio(self.noise, self.size)

    @property
    def reproduced(self) -> bool:
        """Whether the frames are those of the law, errors of the scheme included."""
        return self.size < _REPRODUCED

    @property
    def systematic(self) -> bool:
        """Whether the misfit is neither noise nor the usual error of a scheme."""
        least = _GROWTH_OF_WIDE if self.in_space > _ALIKE else _GROWTH
        grows = self.in_time > _ALIKE and self.growth > least
        shared = self.shared > (_GROWING if grows else _SYSTEMATIC)
        named = self.varies_more or self.disperses or self.at_other_times
        at_sensors = self.like_interpolation or self.stays or self.unpredicted
        changes = self.changes_speed or self.changes_suddenly or self.ends_otherwise
        changes = changes or self.changes_in_weak_form
        return bool(named or at_sensors or changes or self.far_above_noise or shared)

    def __str__(self) -> str:
        in_space = "unknown" if np.isnan(self.in_space) else f"{self.in_space:.2f}"
        more = (
            f"the total variation grows by {percent(self.variation)}, which transport and "
            "diffusion of one field cannot cause; "
        )
        times = (
            f"other times of the frames would explain {percent(self.timing)} of it, most between "
            f"frames {self.odd_frame - 1} and {self.odd_frame} of the context (counted from 0); "
        )
        of_what = of_weak_form = "what flux and diffusion leave of the weak form"
        share = self.dispersion
        timed = f"a flux that depends on time explains {percent(self.timed)} of {of_weak_form}; "
        if self.dispersing > _DISPERSING_BEYOND_NOISE:
            of_what, share = "it beyond noise", self.dispersing
        disperses = f"dispersion explains {percent(share)} of {of_what}; "
        more = (more if self.varies_more else "") + (disperses if self.disperses else "")
        more += times if self.at_other_times else ""
        more += timed if self.changes_in_weak_form else ""
        far = f"{self.in_noise_shown:.0f} times the noise that neighbouring values show; "
        more += far if self.far_above_noise else ""
        faster = percent(self.changing)
        speed = f"; a speed that changes in time explains {faster} of it beyond noise"
        than = f"{percent(abs(self.slower))} {'slower' if self.slower > 0.0 else 'faster'}"
        sudden = (
            f"; waves that are {than} from frame {self.slower_from} on (counted from 0) would "
            f"explain {percent(self.sudden)} of it beyond noise"
        )
        plain = "linear interpolation between sensors explains the values nearly as well; "
        others = (
            f"the others predict a sensor {self.left_out**0.5:.2g} times worse than they should; "
        )
        more += (plain if self.like_interpolation else "") + (others if self.unpredicted else "")
        last = f"the last frames are missed {self.at_end:.2g} times as much as the others; "
        more += last if self.ends_otherwise else ""
        known = f", {self.in_noise:.2g} times the given noise" if self.in_noise else ""
        # Nothing in common says nothing against a law.
        shared = (
            "; at the end of the context neighbouring frames and cells share "
            f"{_deviations(self.shared)} beyond noise of {_deviations(self.noise)}"
        )
        return more + (
            f"misfit {_of(self.size, 'standard deviation')}, {_of(self.of_motion, 'change')}{known}"
            f"{shared if self.shared > 0.0 else ''}; correlation "
            f"in time {self.in_time:.2f}, in space {in_space}, growth {self.growth:.2g}-fold"
            f"{speed if self.changes_speed else ''}{sudden if self.changes_suddenly else ''}"
            f"{_LIKE_SPEED if self.changes_speed or self.changes_suddenly else ''}"
        )


def _of(part: float, whole: str) -> str:
    """A part of a whole, or how many times the whole."""
    return f"{part:.2g} times the {whole}" if part > 1.0 else f"{percent(part)} of the {whole}"


def _deviations(part: float) -> str:
    return f"{part:.2g} standard deviations" if part > 1.0 else percent(part)


UNKNOWN = Misfit(*[float("nan")] * 8)
