"""Joint estimates whose misfits are not independent noise."""

import dataclasses

import numpy as np

from hfluxno.fv.solve import MOST_STEPS
from hfluxno.identify.joint.beyond import (
    UncertainLaw,
    covariance_and_change,
    terms_beyond,
    with_terms,
)
from hfluxno.identify.joint.changing_speed import change_of_speed
from hfluxno.identify.joint.dense import is_dense
from hfluxno.identify.joint.end_scatter import with_end_scatter
from hfluxno.identify.joint.estimate import (
    Estimate,
    by_given_ends,
    difference,
    nearby,
    values_of,
)
from hfluxno.identify.joint.fit import sizes
from hfluxno.identify.joint.forward_runs import states_at, states_of
from hfluxno.identify.residuals.left_out import excess_of_left_out
from hfluxno.identify.residuals.noise import independent_share, ratio
from hfluxno.identify.residuals.scheme_bias import change_by_weights, shortened
from hfluxno.identify.residuals.scheme_error import change_by_scheme, in_parts
from hfluxno.trajectory import Trajectory


def with_shared_errors(found: Estimate, context: Trajectory) -> Estimate:
    """The same with misfits that are not independent noise.

    Correlated ones count less (`independent_share`), and with few sensors less still if each is
    predicted worse by the others than the covariance claims (see
    `hfluxno.identify.residuals.left_out`). The error of the scheme counts as well, by itself and by
    the bias of the unknowns (`hfluxno.identify.residuals.scheme_bias`), and how much open ends vary
    (`hfluxno.identify.joint.end_scatter`), what given ends leave open between their times
    (`hfluxno.identify.joint.given_ends`), and the terms that the law does without
    (`hfluxno.identify.joint.beyond`).
    """
    size = sizes(context)[:, None]
    terms = terms_beyond(found.forward)
    wider = with_terms(found.forward, terms)
    values, by_wider, _ = values_of(wider, found.z, context.times, MOST_STEPS)
    by_values = by_wider.copy()
    by_values[:, terms] = 0.0
    away = values - np.asarray(context.values)
    missed = away / size
    noise = found.noise[:, None] if context.deviation is None else context.deviation
    share = independent_share(missed)
    nothing = np.eye(len(found.z))
    information = np.linalg.inv(found.covariance) - nothing
    excess = 0.0
    if not is_dense(context):
        covariance = np.linalg.inv(nothing + share * information)
        in_noise, by_noise = away / noise, by_values / noise[..., None, :, :]
        every = np.asarray(context.observed)
        excess = excess_of_left_out(in_noise, by_noise, covariance, share, every)
        share /= max(excess, 1.0)
    speed = change_of_speed(found, context, away, by_values, share)
    fields, states = len(context.states.fields), values
    if found.forward.observation:
        states, _ = states_of(found.forward, found.z, found.times)
    signed = difference(found.forward, found.z, found.times, states)
    differs = nearby(found.forward, signed)
    seen = np.asarray(context.observed)[:, :fields]
    total = np.sum((differs / size[:fields]) ** 2, where=seen)
    missed = missed[:, :fields]
    of_scheme = float(min(np.sqrt(np.nansum(missed**2) / total), 1.0)) if total > 0.0 else 0.0
    by_ends = by_given_ends(found.forward, found.z, found.times, states) / size[:fields]
    both = np.nansum(np.abs(missed) * by_ends)
    of_ends = min(ratio(float(both), float(np.sum(by_ends**2, where=seen))), 1.0)
    if found.forward.settings.is_as_fine:
        of_scheme = 1.0
    bias, by_scheme = np.zeros(len(found.z)), np.zeros((0, len(found.z)))

    def moved(change: np.ndarray) -> float:
        other = states_at(wider, found.z + change, found.times)
        return _rms((other - states) / size[:fields], seen)

    if values.shape[1] == fields:
        bias = change_by_weights(away, by_values, differs, noise * np.ones(away.shape), found.z)
        bias = shortened(bias, moved, _rms(missed, seen))
        by_scheme = change_by_scheme(
            in_parts(found.forward.settings.of_difference * signed / noise)[:, seen],
            (by_values / noise[..., None, :, :]).swapaxes(0, 1)[:, seen],
            found.covariance,
            (away / noise)[seen],
        )
    uncertain = None
    if len(terms):
        every = np.asarray(context.observed)
        rows = (by_wider / noise[..., None, :, :]).swapaxes(0, 1)[:, every]
        covariance, change = covariance_and_change(rows, (away / noise)[every], share, found.z)
        change = shortened(change, moved, _rms(missed, seen))
        changes = np.stack([bias, change])
        every_part = covariance + changes.T @ changes
        uncertain = UncertainLaw(np.asarray(wider.spread), every_part, changes)
    return with_end_scatter(
        dataclasses.replace(
            found,
            covariance=np.linalg.inv(nothing + share * information) + np.outer(bias, bias),
            uncertain=uncertain,
            of_scheme=of_scheme,
            of_ends=of_ends,
            share=share,
            left_out=excess,
            speed=speed,
            bias=bias,
            by_scheme=by_scheme,
        )
    )


def _rms(values: np.ndarray, seen: np.ndarray) -> float:
    """Infinite if a value is not finite."""
    square = np.mean(values**2, where=seen)
    return float(np.sqrt(square)) if np.isfinite(square) else np.inf
