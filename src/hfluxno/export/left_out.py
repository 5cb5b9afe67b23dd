"""What the files of an export leave out."""

import numpy as np

from hfluxno.export.plain import along_axes
from hfluxno.identify.plane import SavedPlaneLaw
from hfluxno.identify.saved.law import SavedLaw

_WITHOUT = {
    "pyclaw": "PyClaw's run with this law lacks",
    "stablehlo": "The bytecode has only the flux and its speeds; it lacks",
}
_ATTACH = "PyClaw adds the source of this law only with solver.step_source = step_source."


def left_out(saved: SavedLaw | SavedPlaneLaw, target: str) -> str:
    """One line on what the files of a target lack of this law, or what has to be attached; empty
    if there is nothing."""
    if target == "json":
        return ""
    laws = along_axes(saved)
    place = laws[0].place
    has_source = bool(laws[0].source) or (place is not None and np.any(place.source))
    lacks = []
    if target in _WITHOUT and any(np.any(law.diffusivity) for law in laws if law.diffusivity):
        lacks.append("the diffusion")
    if target == "stablehlo" and has_source:
        lacks.append("the source")
    if target == "stablehlo" and place is not None and place.scales_flux:
        lacks.append("the factor by place")
    if isinstance(saved, SavedLaw) and np.isfinite([saved.law.least, saved.law.most]).any():
        lacks.append("the bounds of the field")
    if target == "latex" and laws[0].flow:
        lacks.append("the largest velocity over dry ground")
    sentence = [f"{_WITHOUT.get(target, 'What is written lacks')} {' and '.join(lacks)}."]
    attach = [_ATTACH] if target == "pyclaw" and has_source else []
    return " ".join([*(sentence if lacks else []), *attach])
