"""Identification beside PySINDy's weak form: the speed f'(u) that is found, and a forecast with it.

    pip install pysindy
    python -m benchmarks.sindy [--contexts N] [--kinds NAME …]

Contexts are the first 20 frames of 128 cells of kinds of `independent/kinds.py`, whose truth comes
from schemes that neither program has. PySINDy gets a library of u, u², u³, ∂x u, ∂xx u and their
products (`WeakPDELibrary`), and STLSQ; of all sizes of test functions and thresholds in `SIZES` and
`THRESHOLDS` the one counts whose forecast is nearest to the truth, which a user does not know. What
it finds is solved by MUSCL with Rusanov's flux on the cells of the data, as the true law is for
comparison. hfluxno gets the context alone. Medians of relative l2 errors.
"""

import argparse
import dataclasses
import time
import warnings
from collections.abc import Callable

import numpy as np
import pysindy

import hfluxno
from benchmarks.independent import laws
from benchmarks.independent.schemes import INTERVAL
from hfluxno.cli.runtime import prepared
from hfluxno.identify import FitStatus
from hfluxno.law_curves import law_curves

CONTEXT, STEPS = 20, 20
# Half the sides of a test function, as parts of the lengths of x and of the context.
SIZES = ((0.03, 0.2), (0.05, 0.2), (0.05, 0.4), (0.1, 0.2), (0.1, 0.4), (0.2, 0.4))
THRESHOLDS = (0.003, 0.01, 0.03, 0.1, 0.2)
_DOMAINS = 400  # test functions
_POINTS = 201


@dataclasses.dataclass(frozen=True)
class Truth:
    """f'(u), its coefficients if it is a polynomial, and ν."""

    speed: Callable[[np.ndarray], np.ndarray]
    slope: tuple[float, ...] | None = None
    spread: float = 0.0

    @classmethod
    def of(cls, *slope: float, spread: float = 0.0) -> "Truth":
        return cls(lambda u: polynomial(np.array(slope), u), slope, spread)


def _burgers(rng: np.random.Generator) -> Truth:
    return Truth.of(0.0, rng.uniform(0.6, 1.2))


def _viscous_burgers(rng: np.random.Generator) -> Truth:
    return Truth.of(0.0, rng.uniform(0.5, 1.0), spread=rng.uniform(0.002, 0.006))


def _cubic(rng: np.random.Generator) -> Truth:
    a, b, c = (rng.uniform(-0.6, 0.6) for _ in range(3))
    return Truth.of(c, 2 * b, 3 * a)


def _traffic_steps(rng: np.random.Generator) -> Truth:
    v = rng.uniform(0.7, 1.1)
    return Truth.of(v, -2 * v)


def _buckley_leverett(rng: np.random.Generator) -> Truth:
    m = rng.uniform(0.4, 1.0)
    return Truth(lambda u: m * u * (1 - u) / (u**2 + m * (1 - u) ** 2) ** 2)


# Frames, and the truth from the generator of a context: its coefficients are drawn first.
KINDS: dict[str, tuple[Callable, Callable[[np.random.Generator], Truth], float]] = {
    "viscous Burgers, smooth": (laws.viscous_burgers, _viscous_burgers, 0.0),
    "viscous Burgers, 2 % noise": (laws.viscous_burgers, _viscous_burgers, 0.02),
    "Burgers, shocks": (laws.burgers, _burgers, 0.0),
    "Burgers, shocks, 2 % noise": (laws.burgers, _burgers, 0.02),
    "cubic, shocks": (laws.cubic, _cubic, 0.0),
    "traffic from plateaus": (laws.traffic_steps, _traffic_steps, 0.0),
    "Buckley–Leverett, shocks": (laws.buckley_leverett, _buckley_leverett, 0.0),
}


@dataclasses.dataclass(frozen=True)
class Found:
    """Relative l2 errors of f' over the observed range and of the forecast; the seconds it took."""

    speed: float
    forecast: float
    seconds: float
    words: str


def by_hfluxno(context: np.ndarray, after: np.ndarray, u: np.ndarray, speed: np.ndarray) -> Found:
    values = hfluxno.Trajectory.from_numpy(context[:, None], INTERVAL * np.arange(CONTEXT))
    hfluxno.forecast(values, STEPS)  # compiles
    begin = time.perf_counter()
    ahead = hfluxno.forecast(values, STEPS)
    seconds = time.perf_counter() - begin
    law = ahead.identifications[0].law
    slope = law_curves(law, u[None], u[None, :1])[1][0, 0]
    last = np.asarray(ahead.trajectory.values)[-1, 0]
    status = FitStatus(int(ahead.status)).name
    return Found(relative(slope, speed), relative(last, after[-1]), seconds, status)


def by_pysindy(context: np.ndarray, after: np.ndarray, u: np.ndarray, speed: np.ndarray) -> Found:
    """The best of all settings, and the time of one."""
    cells = context.shape[1]
    x, t = (np.arange(cells) + 0.5) / cells, INTERVAL * np.arange(CONTEXT)
    grid = np.stack(np.meshgrid(x, t, indexing="ij"), axis=-1)
    states, best = context.T[..., None], None
    begin = time.perf_counter()
    for size in SIZES:
        np.random.seed(0)  # of the places of test functions
        library = pysindy.WeakPDELibrary(
            pysindy.PolynomialLibrary(degree=3, include_bias=False),
            derivative_order=2,
            spatiotemporal_grid=grid,
            K=_DOMAINS,
            H_xt=[size[0], size[1] * t[-1]],
        )
        for threshold in THRESHOLDS:
            optimizer = pysindy.STLSQ(threshold=threshold)
            model = pysindy.SINDy(optimizer=optimizer, feature_library=library)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(states, t=t)
            terms = dict(zip(model.get_feature_names(), model.coefficients()[0], strict=True))
            equation = Equation.of(terms)
            last = equation.solved(context[-1])
            error = relative(last, after[-1])
            if best is None or error < best[0]:
                best = error, relative(-polynomial(equation.slope, u), speed), equation.count
    seconds = (time.perf_counter() - begin) / (len(SIZES) * len(THRESHOLDS))
    assert best is not None
    return Found(best[1], best[0], seconds, str(best[2]))


@dataclasses.dataclass(frozen=True)
class Equation:
    """∂t u = Σ a_k u^k ∂x u + Σ b_k u^k ∂xx u + Σ c_k u^k, k ≤ 3: the tables of a, b, c."""

    slope: np.ndarray
    spread: np.ndarray
    source: np.ndarray

    @classmethod
    def of(cls, terms: dict[str, float]) -> "Equation":
        found = cls(np.zeros(4), np.zeros(4), np.zeros(4))
        for name, value in terms.items():
            power, _, derivative = name.partition("x0_")
            table = {"": found.source, "1": found.slope, "11": found.spread}[derivative]
            table[power.count("x0")] += value
        return found

    @property
    def count(self) -> int:
        return sum(np.count_nonzero(each) for each in (self.slope, self.spread, self.source))

    def solved(self, first: np.ndarray) -> np.ndarray:
        """The state after all steps of the forecast; what is not finite if it explodes."""
        u, dx, left = first.copy(), 1.0 / len(first), STEPS * INTERVAL
        while left > 1e-12:
            with np.errstate(all="ignore"):
                fastest = np.max(np.abs(polynomial(self.slope, u))) + 1e-9
                thickest = np.max(np.abs(polynomial(self.spread, u))) + 1e-12
                dt = min(left, 0.4 * dx / fastest, 0.2 * dx**2 / thickest)
                if not np.isfinite(dt) or dt < 1e-7 or np.max(np.abs(u)) > 1e3:
                    return np.full_like(u, np.nan)
                stage = u + dt * self._change(u, dx)
                u = 0.5 * (u + stage + dt * self._change(stage, dx))
            left -= dt
        return u

    def _change(self, u: np.ndarray, dx: float) -> np.ndarray:
        behind, ahead = u - np.roll(u, 1), np.roll(u, -1) - u
        least = np.where(np.abs(behind) < np.abs(ahead), behind, ahead)
        half = 0.5 * np.where(behind * ahead > 0.0, least, 0.0)
        left, right = u + half, np.roll(u - half, -1)
        slope, flux = polynomial(self.slope, np.stack([left, right])), self.flux
        fastest = np.max(np.abs(slope), axis=0)
        through = 0.5 * (flux(left) + flux(right)) - 0.5 * fastest * (right - left)
        bend = (ahead - behind) / dx**2
        spread = polynomial(self.spread, u) * bend
        return (np.roll(through, 1) - through) / dx + spread + polynomial(self.source, u)

    def flux(self, u: np.ndarray) -> np.ndarray:
        return -u * polynomial(self.slope / np.arange(1, 5), u)


def polynomial(coefficients: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.polynomial.polynomial.polyval(u, coefficients)


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    error = float(np.linalg.norm(found - truth) / np.linalg.norm(truth))
    return error if np.isfinite(error) else np.inf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contexts", type=int, default=3, help="contexts drawn for each kind")
    parser.add_argument("--kinds", nargs="+", metavar="NAME", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    print(
        "| data | f′, PySINDy | f′, hfluxno | 20 steps, PySINDy | 20 steps, hfluxno | "
        "20 steps, the true law | repeating a frame | terms of PySINDy | status of hfluxno | "
        "seconds, each |"
    )
    print(f"{'|---' * 10}|")
    for name in options.kinds:
        row(name, options.contexts)


def row(name: str, contexts: int) -> None:
    """Medians over the contexts of a kind."""
    made, truth_of, noise = KINDS[name]
    values = made([np.random.default_rng([1, i]) for i in range(contexts)])[:, :, 0]
    theirs, ours, known, still = [], [], [], []
    for i, frames in enumerate(values):
        seen, after = frames[:CONTEXT], frames[CONTEXT : CONTEXT + STEPS]
        u, truth = (
            np.linspace(seen.min(), seen.max(), _POINTS),
            truth_of(np.random.default_rng([1, i])),
        )
        seen = seen + np.random.default_rng([2, i]).normal(size=seen.shape) * noise * np.std(seen)
        with prepared():
            ours.append(by_hfluxno(seen, after, u, truth.speed(u)))
        theirs.append(by_pysindy(seen, after, u, truth.speed(u)))
        still.append(relative(seen[-1], after[-1]))
        if truth.slope is not None:
            equation = Equation(-padded(truth.slope), padded((truth.spread,)), padded(()))
            known.append(relative(equation.solved(seen[-1]), after[-1]))

    def median(numbers) -> str:
        return f"{np.median(list(numbers)):.2g}"

    columns = [name]
    columns += [median(each.speed for each in side) for side in (theirs, ours)]
    columns += [median(each.forecast for each in side) for side in (theirs, ours)]
    columns += [median(known) if known else "–", median(still)]
    columns += [", ".join(each.words for each in side) for side in (theirs, ours)]
    columns.append(" / ".join(median(each.seconds for each in side) for side in (theirs, ours)))
    print(f"| {' | '.join(columns)} |", flush=True)


def padded(coefficients: tuple[float, ...]) -> np.ndarray:
    return np.array([*coefficients, *[0.0] * (4 - len(coefficients))])


if __name__ == "__main__":
    main()
