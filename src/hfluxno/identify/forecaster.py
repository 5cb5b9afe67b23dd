"""The forecaster that fits a law to the context and solves it."""

import equinox as eqx
import jax
import numpy as np

from hfluxno.forecaster import Forecast, Forecaster, check_steps, continuation
from hfluxno.fv import Status
from hfluxno.identify.identification import FitStatus, Identification, identify_all
from hfluxno.identify.refine import simulate
from hfluxno.identify.settings import Settings
from hfluxno.identify.track import gains, track
from hfluxno.lanes import run_lanes, stack
from hfluxno.trajectory import Trajectory

# A forecast counts as having left the observed range beyond this part of it.
_RANGE_MARGIN = 0.01
_UNSOLVABLE = (FitStatus.FAILED, FitStatus.CONSTANT)


class FittedLawForecaster(Forecaster):
    """Identifies the law of each context and advances it with the scheme that was chosen with it.

    Where that run fails the entropy-fixed scheme and then the Rusanov flux take over, which is
    said in the status; where nothing can be solved the last frame is repeated.

    **Attributes:**

    - `momentum`: the field that a reflecting wall turns round, where it is not to be inferred.
    """

    momentum: str | None = eqx.field(static=True, default=None)

    def forecast(self, context: Trajectory, steps: int) -> Forecast:
        """The `steps` frames after the context.

        **Raises:**

        - `ValueError`, where `steps` is not positive or the context cannot be identified.
        """
        check_steps(steps)
        return self.advance(context, identify_all(context, self.momentum), steps)

    def advance(
        self, context: Trajectory, identifications: tuple[Identification, ...], steps: int
    ) -> Forecast:
        """The forecast with laws that were identified before."""
        values = np.asarray(context.values, np.float64)
        batch = values if context.is_batched else values[None]
        batch = batch.copy()
        batch[:, 0] = [item.initial for item in identifications]
        with jax.enable_x64(True):
            frames, solved = _advance(batch, identifications, steps)
        sentences = tuple(
            _sentence(item, bool(ok)) for item, ok in zip(identifications, solved, strict=True)
        )
        status = np.array(
            [
                int(item.status) if ok or item.status in _UNSOLVABLE else int(FitStatus.FAILED)
                for item, ok in zip(identifications, solved, strict=True)
            ]
        )
        backtest = np.array([item.backtest_error for item in identifications])
        drift = _drift(frames)
        frames = frames[:, 1:]
        left = _left_range(frames, identifications)
        if not context.is_batched:
            frames, status, backtest, drift, left = (
                part[0] for part in (frames, status, backtest, drift, left)
            )
        return Forecast(
            continuation(context, frames),
            np.asarray(status),
            sentences,
            np.asarray(backtest),
            np.asarray(drift),
            np.asarray(left),
            identifications,
        )


def _advance(batch, identifications, steps):
    """The state that each lane starts from and its frames, and whether they were solved."""
    frames = np.repeat(batch[:, -1:], 1 + steps, axis=1)
    solved = np.zeros(len(batch), bool)
    pending = [lane for lane, item in enumerate(identifications) if item.status not in _UNSOLVABLE]
    for fallback in (None, "roe-entropy-fix", "rusanov"):
        groups: dict = {}
        for lane in pending:
            item = identifications[lane]
            settings = _with_scheme(item.settings, fallback)
            key = (jax.tree.structure((item.grid_law, settings)), item.candidate)
            groups.setdefault(key, (settings, []))[1].append(lane)
        pending = []
        for settings, members in groups.values():
            index = np.array(members)
            laws = stack([identifications[lane].grid_law for lane in members])
            modes = [identifications[lane].mode for lane in members]
            schedules = np.stack([gains(m, batch.shape[1], batch.shape[1] - 1) for m in modes])

            def program(lanes, settings=settings):
                return _run(lanes, settings, steps)

            cost = np.zeros(len(members))
            result, status = run_lanes(program, (laws, batch[index], schedules), cost)
            for position, lane in enumerate(members):
                if status[position] == Status.OK and np.all(np.isfinite(result[position])):
                    frames[lane] = result[position]
                    solved[lane] = True
                else:
                    pending.append(lane)
    return frames, solved


def _with_scheme(settings: Settings, scheme: str | None) -> Settings:
    if scheme is None:
        return settings
    return Settings(
        settings.control, settings.fresh_start, settings.grid, scheme, settings.refinement
    )


@eqx.filter_jit
def _run(lanes, settings, steps):
    def one(law, values, schedule):
        _, state, rate = track(law, settings, values, schedule)
        frames, run = simulate(law, settings, state, steps + 1, rate)
        return frames, run.status

    return jax.vmap(one)(*lanes)


def _drift(frames):
    """The largest change of a total since the state that the forecast starts from."""
    totals = frames.mean(axis=-1)
    size = np.mean(np.abs(frames[:, 1:]), axis=(1, 3))
    change = np.abs(totals - totals[:, :1]).max(axis=1)
    return np.max(change / np.where(size > 0.0, size, 1.0), axis=-1)


def _left_range(frames, identifications):
    left = []
    for lane, item in zip(frames, identifications, strict=True):
        lower, upper = np.asarray(item.law.lower), np.asarray(item.law.upper)
        margin = _RANGE_MARGIN * (upper - lower)
        low, high = lane.min(axis=(0, 2)), lane.max(axis=(0, 2))
        left.append(bool(np.any((low < lower - margin) | (high > upper + margin))))
    return np.array(left)


def _sentence(item: Identification, solved: bool) -> str:
    if solved or item.status in _UNSOLVABLE:
        return item.status.sentence
    return "the fitted law could not be solved; the forecast repeats the last frame"
