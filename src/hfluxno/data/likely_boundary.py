"""The boundary that measurements on a line suggest, from their ends and totals."""

import numpy as np

from hfluxno.data.end_measures import EndMeasures
from hfluxno.plural import percent

_NOISY = 0.5  # of the deviation
# A match of few sensors says little. Of rings whose steps exceed the noise slopes are off by .45 at
# most, of other lines by .65 and more if not by chance; across the ends of the latter values differ
# by .25 of what places far from each other do.
_SMOOTH, _SMOOTHER = 0.5, 0.2
_NEAR, _NEARER = 0.2, 0.1
# Of far places, for ends that are not next to each other on a ring; and of neighbours.
_APART, _FAR, _STEEP = 0.5, 0.9, 5.0
# Of far places, too: with exact totals at most 3.2 across the seams of 17 rings from any place on.
_WALLED = 5.0
_SURE = 0.1  # of the mean size
_NEARLY_ALL = 0.99  # of a change
# What passes the seam of a ring, relative to the uncertainty of its total (four deviations). Of 240
# rounded or noisy rings with a shock at the seam (scratch) 156 are called rings then, and 111 with
# 10 instead; of 1486 open or walled lines 5, and 4 with 10.
_MORE = 3.0
# Said while nothing has reached the ends.
DECIDES = "the choice decides the forecast as soon as a wave arrives"
# What a field whose total need not be kept is to the other.
ITS_FLOW = "its flow or momentum"


def likely_boundary(
    ends: dict[str, EndMeasures],
    found: dict,
    flow: str | None = None,
    called: str = ITS_FLOW,
) -> tuple[str, str]:
    """The boundary and the reason, from the ends and the other measures of each field; `flow` is
    the one of two that is the flow of the other, whose total need not be kept (`called`: in words).

    A ring needs ends that match in all fields, better than places that have nothing to do with each
    other, and totals that are kept, or slopes that match too; or one field whose total is kept
    while much passes the seam, as it cannot through walls; or totals that are constant to rounding,
    unless the parts of that of one field change as between walls, or its ends differ more than
    neighbours do anywhere; or a source inside that explains how its total changes. Walls need ends
    clearly apart and totals that are kept and known to be, or such a source, or a field that
    vanishes at both ends beside another whose total is kept. Otherwise there may be inflow.

    What is at rest at both ends is a momentum only if its total changes at a constant rate, by the
    pressures there; that of what is carried is kept.
    """
    conserved = [each for name, each in found.items() if name != flow]
    kept = all(each["total_kept"] for each in conserved)
    known = all(each["total_known"] for each in conserved)
    doubtful = not kept and all(each["total_kept"] or each["total_doubtful"] for each in conserved)
    if _in_noise(found):
        return _hidden(kept or doubtful, known and not doubtful)
    match = all(each.match for each in ends.values())
    if _still(ends):
        lost = [each for each in conserved if not each["total_kept"]]
        hidden = any(abs(each["total_change"]) <= each["hidden_at_ends"] for each in lost)
        if hidden and not doubtful and (match or len(found) == 1):
            return "open", (
                "the ends do not change beyond their noise, but the total is not conserved, and "
                "the noise may hide what passes them: there may be inflow, which is estimated, or "
                "a source"
            )
        return _unreached(ends, found, match)
    if match and kept and all(_joins(each, known) for each in ends.values()):
        surely = "" if all(map(is_sure, conserved)) else "perhaps "
        if flow is None or found[flow]["total_kept"]:
            return "periodic", f"the ends match and the total is {surely}conserved"
        (density,) = set(found) - {flow}
        return "periodic", (
            f"the ends match and the total of {density} is {surely}conserved; that of {flow}, "
            f"{called}, need not be"
        )
    clear = all(each.bend <= _SMOOTH or each.near <= _NEARER for each in ends.values())
    if match and clear and doubtful:
        return "periodic", "the ends match and the total is perhaps conserved"
    if match and clear and not kept:
        return "periodic", (
            f"the ends match, but the total is not conserved: a source or a leak"
            f"{_drift(conserved)}, or ends that match by chance (then open)"
        )
    walls, others = _in_walls(ends, found)
    apart = any(not ends[name].match or ends[name].near > _APART for name in others)
    if walls and apart and all(found[name]["total_kept"] for name in others):
        return "reflecting", _as_between(walls, found)
    words = "the ends match no better than by chance" if match else "the ends do not match"
    exact = all(each["total_exact"] for each in conserved)
    jumps = not (exact and match)
    if jumps and kept and known and len(found) == 1 and _is_closed_in_itself(*found.values()):
        return "periodic", (
            f"{words}, but the total is conserved and walls do not explain how the field moves: a "
            "ring on which a jump stands or passes where x ends"
        )
    between = flow is None and any(  # a flow would vanish there
        not each.match and (each.near > _FAR or each.jump > _STEEP) for each in ends.values()
    )
    if exact and len(found) == 1:
        walled = all(found[name]["walls_explain"] or ends[name].near > _WALLED for name in found)
        inside = all(ends[name].inside for name in found)
        between = not match and (walled or not inside)
    if kept and known and between:
        return "reflecting", (
            f"{words} and the total is conserved, as between walls; a ring on which a shock stands "
            "where x ends looks the same (then periodic)"
        )
    if exact:
        return "periodic", (
            f"{words}, but the total is constant to rounding while the field moves, so nothing "
            "passes them: a ring (between walls: reflecting)"
        )
    if kept:
        unclear = "too little is measured to know whether the total is conserved"
        if known:
            unclear = "though the total is conserved a ring cannot be told from walls"
        return "open", (
            f"{words}, and {unclear}: what enters is estimated "
            f"({'on a ring: periodic; ' * match}between walls: reflecting)"
        )
    if doubtful:
        return "open", (
            f"{words} and the total is perhaps not conserved: there may be inflow, which is "
            "estimated"
        )
    inside = any(each.inside for each in ends.values())
    return _not_kept(words, match, inside, found, conserved)


def ends_show(ends: dict[str, EndMeasures], found: dict) -> bool:
    """Whether the likely boundary is more than a guess: something happens at the ends, and noise
    does not hide it."""
    return not (_in_noise(found) or _still(ends))


def _in_noise(found: dict) -> bool:
    return any(each["relative_noise"] > _NOISY for each in found.values())


def _still(ends: dict[str, EndMeasures]) -> bool:
    return all(each.still for each in ends.values())


def _not_kept(
    words: str, match: bool, inside: bool, found: dict, conserved: list[dict]
) -> tuple[str, str]:
    """The boundary of fields with ends that do not match clearly, some total of which is not kept:
    `words` say how they match, `inside` whether values differ as much between neighbours."""
    words += " and the total is not conserved"
    if len(found) == 1 and conserved[0]["source_explains"]:
        return _with_source(words, match, inside, conserved[0])
    drift = _drift(conserved)
    surely = not drift if len(found) > 1 else conserved[0]["flow_explains"]
    inflow = "is inflow" if surely else "may be inflow"
    balances = [each for each in conserved if np.isfinite(each["explained_by_ends"])]
    least = min((each["explained_by_ends"] for each in balances), default=1.0)
    if any(not each["balanced_by_ends"] for each in balances):
        return "open", (
            f"{words}: there {inflow}, but the states at the ends explain {percent(least)} of the "
            "change, and the rest is more than noise and the steps between frames leave: a source "
            f"or a leak{drift}, or a flow that they do not determine"
        )
    words += f": there {inflow}, which is estimated"
    if least < _NEARLY_ALL:
        words += (
            f" (the states at the ends explain {percent(least)} of the change, and noise and the "
            "steps between frames may leave the rest)"
        )
    if len(found) > 1:  # whose states at the ends explain nearly any smooth change
        words += f", unless a source or a reaction is why{drift}"
    if not surely:
        words += f", or a source, a decay or a reaction inside{drift} (between walls: reflecting)"
    return "open", words


def _drift(conserved: list[dict]) -> str:
    """A phrase that instruments may be the reason, if a total changes linearly, as it does if all
    values drift: those of all 192 rings with drifting zeros that were tried (scratch), and of none
    of 48 open lines."""
    steady = any(each["total_changes_steadily"] for each in conserved)
    return ", or sensors whose zero or gain drifts" if steady else ""


def _with_source(words: str, match: bool, inside: bool, field: dict) -> tuple[str, str]:
    """The boundary if a source explains far better than flow how the total of a field changes. A
    ring whose seam a jump passes looks like walls for a while, but has the jump inside, too."""
    drift = _drift([field])
    comma = "," if drift else ""
    why = f"a source, a decay or a reaction inside{drift}{comma} explains that, and flow does not"
    ring, walls = field["source_on_a_ring"], field["source_between_walls"]
    if ring and (match or not walls):
        jump = "" if match else ", and a jump where x ends"
        return "periodic", (
            f"{words}, but {why}: a ring with a source{jump} (between walls: reflecting; if "
            "something enters: open)"
        )
    if walls and (not inside or field["source_on_no_ring"]):
        return "reflecting", (
            f"{words}, but {why}: nothing need pass the ends (through open ends: outflow; if "
            "something enters: open)"
        )
    return "open", (
        f"{words}: {why} alone; what enters is estimated, if anything does (between walls: "
        "reflecting)"
    )


def momentum_between_walls(ends: dict[str, EndMeasures], found: dict) -> str | None:
    """The field that alone is zero in walls at both ends, while the totals of all others are kept
    and its own is not; `None` if there is none. Of an amount both would be kept."""
    walls, others = _in_walls(ends, found)
    kept = [name for name in found if found[name]["total_kept"]]
    return walls[0] if len(walls) == 1 and others and kept == others else None


def _in_walls(ends: dict[str, EndMeasures], found: dict) -> tuple[list[str], list[str]]:
    """The fields that are zero in walls at both ends, and the others. What is at rest there is a
    momentum only if its total changes as by pressures."""
    still = all(each.still for each in ends.values())
    walls = [
        name
        for name, each in ends.items()
        if (each.rests and found[name]["total_changes_steadily"] if still else each.vanish)
    ]
    return walls, [name for name in ends if name not in walls]


def _unreached(ends: dict[str, EndMeasures], found: dict, match: bool) -> tuple[str, str]:
    """The boundary while nothing has happened at the ends."""
    if match:
        return "periodic", (
            "nothing reaches the ends, which are alike: any boundary will do, unless the flux "
            f"depends on place (then outflow), but {DECIDES}"
        )
    walls, others = _in_walls(ends, found)
    if walls and others and all(found[name]["total_kept"] for name in others):
        return "reflecting", (
            f"{_as_between(walls, found)}; but nothing has reached the ends yet, and {DECIDES} "
            "(through open ends: outflow)"
        )
    return "outflow", (
        f"nothing reaches the ends, which differ from each other: {DECIDES} (between walls: "
        "reflecting)"
    )


def _as_between(walls: list[str], found: dict) -> str:
    """That these fields vanish at both ends, and the totals of the others are kept."""
    others = [name for name in found if name not in walls]
    surely = "" if all(is_sure(found[name]) for name in others) else "perhaps "
    return (
        f"{' and '.join(walls)} {'vanish' if len(walls) > 1 else 'vanishes'} at both ends and "
        f"the total of {' and '.join(others)} is {surely}conserved, as between walls"
    )


def is_sure(field: dict) -> bool:
    """Whether the total of a field is known so well that `perhaps` need not be said."""
    return field["total_known"] and field["total_uncertainty"] <= _SURE


def _is_closed_in_itself(field: dict) -> bool:
    """Whether far more passes the seam, in varying flow, than the total may have changed by."""
    least = max(abs(field["total_change"]), field["total_uncertainty"])
    return field["through_seam"] > _MORE * least


def _joins(each: EndMeasures, known: bool) -> bool:
    """Whether ends that match do so better than by chance, and clearly if it is not known whether
    the total is kept."""
    if known:
        return each.bend <= _SMOOTH or each.near <= _NEAR
    return (
        each.bend <= _SMOOTHER
        or each.near <= _NEARER
        or (each.bend <= _SMOOTH and each.near <= _NEAR)
    )


def _hidden(kept: bool, known: bool) -> tuple[str, str]:
    """The boundary where noise hides the ends."""
    noise = "noise, or what is too narrow for the cells, hides the ends"
    if not kept:
        return "open", f"{noise}, and the total is not conserved: there is inflow, or a source"
    if known:
        return "periodic", f"a guess: {noise}; the total is conserved (between walls: reflecting)"
    return "open", (
        f"it cannot be told: {noise}, and whether the total is conserved (on a ring: periodic; "
        "between walls: reflecting)"
    )
