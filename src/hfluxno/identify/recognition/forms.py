"""Fluxes of one field that have a name.

    f(u) = c + Σ_i a_i g_i(u; p),

linear in a and in the constant c, which has no effect, with at most one shape parameter p.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, " point"]
Number = Callable[[float], str]
# The number of values of a shape parameter at which a search starts.
_PLACES = 40


@dataclasses.dataclass(frozen=True)
class Form:
    """A form whose parameters are not yet known.

    - `name`: what it is called.
    - `columns`: (u, p) ↦ g_i(u; p).
    - `show`: (symbol, a, p, how numbers are written) ↦ the formula.
    - `shapes`: (lowest, highest state) ↦ increasing values of p to try; none for other states.
    - `has_shape`: whether there is a p.
    - `called`: a ↦ the name, if that depends on them.
    """

    name: str
    columns: Callable[[Points, float], list[Points]]
    show: Callable[[str, list[float], float, Number], str]
    shapes: Callable[[float, float], Points] = lambda low, high: np.zeros(1)
    has_shape: bool = False
    called: Callable[[list[float]], str] | None = None


def forms() -> tuple[Form, ...]:
    """All of them, those with fewer parameters first."""
    return (
        _polynomial("linear advection", 1),
        _polynomial("Burgers", 2),
        _polynomial("cubic", 3),
        Form("Greenshields", _powers(1, 2), _greenshields, called=_greenshields_or_quadratic),
        _polynomial("polynomial", 1, 3),
        _polynomial("polynomial", 2, 3),
        Form("Buckley–Leverett", _buckley_leverett, _show_buckley_leverett, _mobilities, True),
        Form(
            "sine",
            lambda u, p: [np.sin(p * u)],
            lambda s, a, p, number: f"{number(a[0])} sin({number(p)} {s})",
            _waves,
            True,
        ),
        Form(
            "exponential",
            lambda u, p: [np.exp(p * (u - np.mean(u)))],
            _show_exponential,
            _rates,
            True,
        ),
        Form(
            "Underwood",
            lambda u, p: [u * np.exp(-p * u)],
            lambda s, a, p, number: f"{number(a[0])} {s} exp(−{s}/{number(1.0 / p)})",
            _capacities,
            True,
        ),
        _polynomial("polynomial", 1, 2, 3),
        Form(
            "triangular",
            lambda u, p: [np.minimum(u, p), np.maximum(u - p, 0.0)],
            _show_triangular,
            lambda low, high: np.linspace(low, high, _PLACES + 2)[1:-1],
            True,
        ),
        Form(
            "sine with a phase",
            lambda u, p: [np.sin(p * u), np.cos(p * u)],
            _show_phase,
            _waves,
            True,
        ),
    )


def number(value: float) -> str:
    """Four digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "−")


def precise(value: float) -> str:
    """Nine digits, with a true minus sign."""
    return f"{value:.9g}".replace("-", "−")


def _powers(*exponents: int) -> Callable[[Points, float], list[Points]]:
    return lambda u, p: [u**e for e in exponents]


def _polynomial(name: str, *exponents: int) -> Form:
    def show(symbol: str, a: list[float], p: float, number: Number) -> str:
        names = {1: symbol, 2: f"{symbol}²", 3: f"{symbol}³"}
        terms = [f"{number(c)} {names[e]}" for c, e in zip(a, exponents, strict=True)]
        return " + ".join(terms).replace("+ −", "− ")

    return Form(name, _powers(*exponents), show)


def _greenshields_or_quadratic(a: list[float]) -> str:
    """That of a road is concave, and falls to zero at a positive density."""
    return "Greenshields" if a[0] > 0.0 > a[1] else "quadratic"


def _greenshields(symbol: str, a: list[float], p: float, number: Number) -> str:
    full = -a[0] / a[1] if a[1] else np.inf
    if full <= 0.0 or not np.isfinite(full):
        return f"{number(a[0])} {symbol} + {number(a[1])} {symbol}²".replace("+ −", "− ")
    return f"{number(a[0])} {symbol} (1 − {symbol}/{number(full)})"


def _buckley_leverett(u: Points, p: float) -> list[Points]:
    return [u * u / (u * u + p * (1.0 - u) ** 2)]


def _show_buckley_leverett(symbol: str, a: list[float], p: float, number: Number) -> str:
    factor = number(a[0])
    ahead = "" if factor == "1" else f"{factor} "
    return f"{ahead}{symbol}²/({symbol}² + {number(p)} (1 − {symbol})²)"


def _mobilities(low: float, high: float) -> Points:
    """Of a saturation, which is between 0 and 1."""
    return np.geomspace(0.02, 50.0, _PLACES) if low > -0.1 and high < 1.1 else np.zeros(0)


def _waves(low: float, high: float) -> Points:
    """From a tenth of a radian over the range to two waves."""
    return np.geomspace(0.3, 4.0 * np.pi, 2 * _PLACES) / (high - low)


def _rates(low: float, high: float) -> Points:
    rates = np.geomspace(0.2, 20.0, _PLACES) / (high - low)
    return np.concatenate([-rates[::-1], rates])


def _capacities(low: float, high: float) -> Points:
    """1/K of a density, which is not negative."""
    return np.geomspace(0.2, 20.0, _PLACES) / (high - low) if low >= 0.0 else np.zeros(0)


def _show_exponential(symbol: str, a: list[float], p: float, number: Number) -> str:
    return f"{number(a[0])} exp({number(p)} {symbol})"


def _show_triangular(symbol: str, a: list[float], p: float, number: Number) -> str:
    before, after = a
    if before > 0.0 > after:
        # The branches vanish at the ends of the diagram: 0 and the full road.
        full = p - before * p / after
        return f"min({number(before)} {symbol}, {number(-after)} ({number(full)} − {symbol}))"
    return (
        (
            f"{number(before)} min({symbol}, {number(p)}) + {number(after)} max({symbol} − "
            f"{number(p)}, 0)"
        )
        .replace("− −", "+ ")
        .replace("+ −", "− ")
    )


def _show_phase(symbol: str, a: list[float], p: float, number: Number) -> str:
    size, phase = float(np.hypot(a[0], a[1])), float(np.arctan2(a[1], a[0]))
    sign = "−" if phase < 0.0 else "+"
    return f"{number(size)} sin({number(p)} {symbol} {sign} {number(abs(phase))})"
