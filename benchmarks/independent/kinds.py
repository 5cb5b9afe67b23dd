"""Kinds of data: conservation laws that the library can represent, and other systems."""

import dataclasses
from collections.abc import Callable

import numpy as np

from . import late, laws, measured, others, violations


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data.

    **Attributes:**

    - `name`: its name in the table.
    - `is_law`: whether the data obey ∂t u + ∂x f(u) = ∂x(ν(u) ∂x u).
    - `truth`: maps random generators, one per context, to the frames (member, frame, field, cells).
    - `noise`: the standard deviation of the noise on the context relative to the field's.
    - `boundary`: the boundary condition passed to the identification.
    - `sensors`: every how many-th cell has a sensor.
    - `missing`: the share of the values that is missing.
    """

    name: str
    is_law: bool
    truth: Callable[[list[np.random.Generator]], np.ndarray]
    noise: float = 0.0
    boundary: str = "periodic"
    sensors: int = 1
    missing: float = 0.0

    @property
    def label(self) -> str:
        parts = [self.name]
        if self.boundary == "open":
            parts.append("open ends")
        if self.sensors > 1:
            parts.append(f"a sensor in {self.sensors} cells")
        if self.missing:
            parts.append(f"{100 * self.missing:g} % missing")
        if self.noise:
            parts.append(f"{100 * self.noise:g} % noise")
        return ", ".join(parts)


def _kind(truth, is_law: bool, **options) -> Kind:
    return Kind(truth.__name__.replace("_", " "), is_law, truth, **options)


LAWS = [
    _kind(truth, True)
    for truth in (
        laws.burgers,
        laws.traffic,
        laws.traffic_steps,
        laws.buckley_leverett,
        laws.cubic,
        laws.sine,
        laws.viscous_burgers,
        laws.heat,
        laws.triangular,
        laws.shallow_water,
        laws.dam_breaks,
        laws.isothermal_euler,
        laws.p_system,
    )
]
NOISY_LAWS = [
    _kind(truth, True, noise=noise)
    for truth in (laws.burgers, laws.traffic, laws.viscous_burgers, laws.shallow_water)
    for noise in (0.01, 0.05)
]
OTHERS = [
    _kind(truth, False)
    for truth in (
        others.kdv_weak,
        others.kdv_strong,
        others.linear_dispersion,
        others.flux_by_place,
        others.bottleneck,
        others.source_by_place,
        others.relaxation,
        others.growth,
        others.look_ahead,
        others.hidden_momentum,
        others.open_as_periodic,
        others.hidden_energy,
        others.uneven_bottom,
        others.friction,
        others.river,
        others.relaxing_drivers,
        others.coupled_waves,
    )
]
NOISY_OTHERS = [
    _kind(truth, False, noise=noise)
    for truth in (others.linear_dispersion, others.flux_by_place, others.relaxation, others.river)
    for noise in (0.01, 0.05)
]
LATE = [
    _kind(truth, True)
    for truth in (
        late.late_burgers,
        late.late_narrow_burgers,
        late.late_traffic,
        late.late_cubic,
        late.late_viscous,
        late.late_narrow_viscous,
        late.never,
        late.never_cubic,
    )
]
VIOLATIONS = [
    _kind(truth, False)
    for truth in (
        violations.memory,
        violations.hysteresis,
        violations.speed_limit_in_time,
        violations.capacity_drops,
        violations.loss_for_a_while,
        violations.moving_bottleneck,
        violations.slow_loss,
        violations.two_lanes,
        violations.two_species,
        violations.nonlocal_speed,
        violations.weak_dispersion,
        violations.fourth_order,
        violations.capillarity,
        violations.regularised_waves,
        violations.drifting_gain,
        violations.drifting_zero,
    )
]
OPEN = _kind(laws.open_traffic, True, boundary="outflow")
MEASURED = [
    _kind(laws.burgers, True, missing=0.1),
    _kind(laws.traffic, True, missing=0.3, noise=0.01),
    _kind(laws.traffic, True, sensors=4, noise=0.01),
    _kind(measured.road, True, boundary="open"),
    _kind(measured.road, True, boundary="open", sensors=4, noise=0.03, missing=0.1),
    _kind(measured.sealed_column, True, boundary="wall"),
    _kind(others.hidden_momentum, False, sensors=4, noise=0.01),
    _kind(violations.moving_bottleneck, False, sensors=4, noise=0.01),
    _kind(violations.speed_limit_in_time, False, sensors=4, noise=0.01),
]
KINDS = [*LAWS, OPEN, *NOISY_LAWS, *LATE, *OTHERS, *NOISY_OTHERS, *VIOLATIONS, *MEASURED]
