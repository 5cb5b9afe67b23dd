"""The cause that the weak form names if no conservation law explains the data.

    python -m benchmarks.causes --contexts 2 --seed 22

The truths are the kinds of `make trust` that are not laws, without noise; nothing is fitted.
"""

import argparse
from collections import Counter

import numpy as np

from hfluxno.identify.residuals.cause import likely_cause
from hfluxno.plural import percent

from .independent.kinds import LAWS, OTHERS, VIOLATIONS, Kind

_CONTEXT = 20


def named(kind: Kind, contexts: int, seed: int) -> list[str]:
    """The name of the cause for each context; if there is none, the best candidate in brackets."""
    rngs = [np.random.default_rng([seed, m, *kind.name.encode()]) for m in range(contexts)]
    names = []
    for values in kind.truth(rngs)[:, :_CONTEXT]:
        cause = likely_cause(values, ("u", "v")[: values.shape[1]], periodic=True)
        if cause is None:
            names.append("small residual")
        else:
            best = max(cause.shares, key=lambda name: cause.shares[name])
            names.append(cause.name or f"({best} {percent(cause.shares[best])})")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--laws", action="store_true", help="also the kinds that are laws")
    options = parser.parse_args()
    for kind in [*OTHERS, *VIOLATIONS, *(LAWS if options.laws else [])]:
        counted = Counter(named(kind, options.contexts, options.seed))
        said = "; ".join(f"{count} × {name}" for name, count in counted.items())
        print(f"{kind.name:24} {said}", flush=True)


if __name__ == "__main__":
    main()
