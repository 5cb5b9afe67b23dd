"""The missing term of a law as the weak form names it, and the sentence about it."""

import dataclasses

from hfluxno.plural import percent

BY_STATE, BY_PLACE = "a source that depends on the state", "a source that depends on place"
LATE, DISPERSION, UNOBSERVED = "a delayed reaction", "dispersion", "an unobserved field"
BY_TIME = "a source that depends on time"
_DRIFT = "; sensors whose zero or gain drifts may look alike"
# What the frames cannot tell from these.
_LOOKS_ALIKE = {
    BY_STATE: _DRIFT,
    BY_TIME: _DRIFT,
    BY_PLACE: "; an unobserved field that hardly moves would look alike",
    LATE: "; a flux that is not local, as of drivers who look ahead, would look alike",
}
NAMED = 0.9  # a cause that explains this share is named
_LITTLE_OF_IT = 0.1  # not worth naming
# Of what flux and diffusion leave in frames with a source or a factor of place dispersion explains
# -.02 to .13, of dispersive waves with 1 and 5 % noise .93 to .97 and .1 to .5, and another term
# leaves a fifth to all of what it leaves (the kinds of `make trust`).
_DISPERSES, _CLEARLY = 0.2, 50.0


@dataclasses.dataclass(frozen=True)
class Cause:
    """The term that explains most of the residual of flux and diffusion.

    - `field`: the field whose equation has the largest residual.
    - `left`: that residual, relative to ∫∫ u ψ_t.
    - `shares`: the share of it that each group explains, by name; at most 1, negative if it
      explains less than chance would.
    - `name`: the most likely cause, empty if none explains nine tenths; an unobserved field if
      waves run in both directions, whatever the shares.
    - `compared`: whether there are enough values for all groups.
    - `keeps_total`: whether a source that depends on the state would be the most likely cause, but
      only one whose integral vanishes, since the total does not change; there is no `name` then.
    - `both_ways`: what waves in both directions explain of one field's ∂tt u, 0 if they do not run
      so (see `hfluxno.identify.residuals.both_ways`).
    """

    field: str
    left: float
    shares: dict[str, float]
    name: str
    compared: bool = True
    keeps_total: bool = False
    both_ways: float = 0.0

    @property
    def term(self) -> str:
        """The name, or that of a source that keeps the total, which a law may have all the same."""
        is_source = self.keeps_total and self.shares[BY_STATE] >= NAMED
        return BY_STATE if is_source else self.name

    @property
    def may_be_dispersion(self) -> bool:
        """Whether dispersion, by one coefficient, explains so much that the many coefficients of
        another term that does so too are no evidence of it."""
        left = {name: 1.0 - share for name, share in self.shares.items()}
        return self.compared and left[DISPERSION] < min(
            1.0 - _DISPERSES, _CLEARLY * min(left.values())
        )

    def __str__(self) -> str:
        rest = (
            f"the {percent(self.left)} of the weak form of {self.field} that flux and diffusion "
            "do not"
        )
        ranked = sorted(self.shares, key=lambda name: -self.shares[name])
        share = self.shares[BY_STATE]
        if self.keeps_total and share >= _LITTLE_OF_IT:
            how = "most likely" if share >= NAMED else "perhaps"
            return (
                f"{how} a flux that these terms do not hold, such as one that depends on place, on "
                f"further derivatives, or is not local, as the total of {self.field} does not "
                f"change; or a source that draws {self.field} to its mean, which would explain "
                f"{percent(share)} of {rest}"
            )
        if self.name == UNOBSERVED:
            return (
                f"most likely {UNOBSERVED} beside {self.field}, such as a momentum: waves run in "
                f"both directions, which explains {percent(self.both_ways)} of what waves of one "
                f"direction leave of ∂tt {self.field}"
            )
        if not self.name:
            best = ranked[0]
            if self.shares[best] < _LITTLE_OF_IT:
                return f"no single cause explains {rest}: there may be several, or noise"
            return (
                f"{best} would explain {percent(max(self.shares[best], 0.0))} of {rest}, and no "
                "other single cause more: there may be several, an unobserved field, or a flux or "
                "diffusivity that these terms do not hold, such as one that is not local"
            )
        second = next(name for name in ranked if name != self.name)
        more = ", with more terms" if self.shares[second] > self.shares[self.name] else ""
        by_this, by_that = (100.0 * self.shares[name] for name in (self.name, second))
        return (
            f"most likely {self.name}: it explains {by_this:.1f} % of {rest} "
            f"({second} {by_that:.1f} %{more}){_LOOKS_ALIKE.get(self.name, '')}"
        )
