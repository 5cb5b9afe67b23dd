"""Names of weights from version 0.1.0, which this version still accepts.

Then `hfluxno-SET` was not the published architecture but the variant that is given the law of the
weak form; `hfluxno-plain-SET` was the published architecture, half as wide.
`icon-cubic` had pairs of the context; it is a name again, of ICON with those of other trajectories.
"""

import warnings

_SETS = ("cubic", "shallow-water", "burgers")
RENAMED = {
    old: new
    for name in _SETS
    for old, new in (
        (name, f"hfluxno-weak-form-{name}"),
        (f"{name}-law", f"hfluxno-law-{name}"),
        (f"plain-{name}", f"hfluxno-small-{name}"),
        (f"hfluxno-{name}", f"hfluxno-weak-form-{name}"),
        (f"hfluxno-{name}-law", f"hfluxno-law-{name}"),
        (f"hfluxno-plain-{name}", f"hfluxno-small-{name}"),
    )
} | {"icon-far-cubic": "icon-context-far-cubic"}


def present_name(name: str) -> str:
    """The current name of weights; an old name gives a warning."""
    if name not in RENAMED:
        return name
    present = RENAMED[name]
    warnings.warn(
        f"The weights {name} are now called {present}; the old name goes with the next version.",
        FutureWarning,
        stacklevel=3,
    )
    return present
