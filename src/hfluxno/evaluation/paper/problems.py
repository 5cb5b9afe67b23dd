"""The sets of the paper, in which tables they stand, and what was published for them.

The published errors are means of three seeds, from the authors' evaluation: one step / 20 steps.
"""

import dataclasses

from hfluxno.data import Configuration

STEPS = 20
# The paper's context; a method may read more frames or fewer.
CONTEXT = 20


@dataclasses.dataclass(frozen=True)
class Problem:
    """One test set.

    **Attributes:**

    - `name`: by which it is asked for.
    - `title`: what tables call it.
    - `law`, `initial`: as in `hfluxno.data.Configuration`.
    - `trained`: the set whose training split the networks have seen.
    """

    name: str
    title: str
    law: str
    initial: str
    trained: str

    def configuration(self, laws: int, initials: int, seed: int) -> Configuration:
        """The test split: so many laws, each with so many initial conditions."""
        return Configuration(
            self.law,
            split="test",
            laws=laws,
            initials=initials,
            initial=self.initial,
            seed=seed,
        )


PROBLEMS: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem("cubic", "cubic", "cubic", "grf", "cubic"),
        Problem("shallow-water", "shallow water", "shallow-water", "grf", "shallow-water"),
        Problem("burgers", "viscous Burgers", "burgers", "grf", "burgers"),
        Problem("cubic-steps", "cubic, steps", "cubic", "steps", "cubic"),
        Problem("sine", "sine flux", "sine", "grf", "cubic"),
        Problem("sine-steps", "sine flux, steps", "sine", "steps", "cubic"),
        Problem(
            "shallow-water-steps", "shallow water, steps", "shallow-water", "steps", "shallow-water"
        ),
        Problem("burgers-steps", "viscous Burgers, steps", "burgers", "steps", "burgers"),
    )
}

# The sets of each table and figure; Table 5 measures cost.
TABLES: dict[int, tuple[str, ...]] = {
    1: ("cubic", "shallow-water", "burgers"),
    2: ("cubic-steps", "sine", "sine-steps", "shallow-water-steps", "burgers-steps"),
    3: ("cubic",),
    4: ("cubic", "cubic-steps", "sine", "sine-steps"),
    5: (),
}
FIGURES: dict[int, tuple[str, ...]] = {
    2: ("cubic", "shallow-water", "burgers"),
    3: ("cubic", "sine-steps"),
}

Pair = tuple[float, float]

# By norm, set and method.
PUBLISHED: dict[str, dict[str, dict[str, Pair]]] = {
    "l2": {
        "cubic": {
            "hfluxno": (0.00410, 0.0521),
            "dpot": (0.00740, 0.136),
            "disco": (0.0106, 0.0822),
        },
        "shallow-water": {
            "hfluxno": (0.00627, 0.0755),
            "dpot": (0.00849, 0.105),
            "disco": (0.0142, 0.111),
        },
        "burgers": {
            "hfluxno": (0.00132, 0.0172),
            "dpot": (0.00263, 0.0466),
            "disco": (0.00343, 0.0656),
        },
        "sine-steps": {
            "hfluxno": (0.00485, 0.0606),
            "dpot": (0.00783, 0.176),
            "disco": (0.00951, 0.0901),
        },
        "shallow-water-steps": {
            "hfluxno": (0.125, 0.428),
            "dpot": (0.0745, 0.459),
            "disco": (0.0585, 0.335),
        },
        "burgers-steps": {
            "hfluxno": (0.00165, 0.0221),
            "dpot": (0.00189, 0.0450),
            "disco": (0.00273, 0.0453),
        },
    },
    "linf": {
        "cubic": {
            "hfluxno": (0.0154, 0.368),
            "dpot": (0.0242, 0.678),
            "disco": (0.0390, 0.455),
        },
        "shallow-water": {
            "hfluxno": (0.0229, 0.398),
            "dpot": (0.0288, 0.463),
            "disco": (0.0507, 0.445),
        },
        "burgers": {
            "hfluxno": (0.00344, 0.0646),
            "dpot": (0.00717, 0.156),
            "disco": (0.00965, 0.343),
        },
        "sine-steps": {
            "hfluxno": (0.0198, 0.383),
            "dpot": (0.0274, 0.929),
            "disco": (0.0388, 0.539),
        },
        "shallow-water-steps": {
            "hfluxno": (0.496, 0.847),
            "dpot": (0.346, 0.977),
            "disco": (0.246, 0.940),
        },
        "burgers-steps": {
            "hfluxno": (0.00524, 0.0999),
            "dpot": (0.00508, 0.178),
            "disco": (0.00758, 0.241),
        },
    },
}


# Both of our HFluxNO stand beside the published one.
_SAME = {"hfluxno-plain": "hfluxno"}


def published_for(norm: str, problem: str, method: str) -> Pair | None:
    """What the paper has for a method on a set, where it has something."""
    return PUBLISHED[norm].get(problem, {}).get(_SAME.get(method, method))


def sets_of(tables: tuple[int, ...], figures: tuple[int, ...]) -> tuple[str, ...]:
    """The sets that these tables and figures need, in the order of `PROBLEMS`.

    **Raises:**

    - `ValueError`, where there is no such table or figure.
    """
    for word, asked, known in (("table", tables, TABLES), ("figure", figures, FIGURES)):
        for number in asked:
            if number not in known:
                raise ValueError(
                    f"Unknown {word} {number}; choose from {', '.join(map(str, known))}."
                )
    needed = {name for number in tables for name in TABLES[number]}
    needed |= {name for number in figures for name in FIGURES[number]}
    return tuple(name for name in PROBLEMS if name in needed)
