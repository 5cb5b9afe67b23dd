"""Random initial states and numbers for a batch."""

import numpy as np

CELLS, FRAMES = 128, 60
FINE, FINER = 1024, 1536


def waves(rngs, cells=FINE, low=0.0, high=1.0, most=3):
    """Random smooth periodic states that run from `low` to `high`, (member, 1, cells)."""
    x = (np.arange(cells) + 0.5) / cells
    states = []
    for rng in rngs:
        k = np.arange(1, most + 1)[:, None]
        size = rng.normal(size=k.shape) * np.exp(-0.4 * k)
        u = np.sum(size * np.sin(2 * np.pi * (k * x + rng.uniform(size=k.shape))), axis=0)
        states.append(low + (high - low) * (u - u.min()) / np.ptp(u))
    return np.stack(states)[:, None]


def steps(rngs, cells=FINE, low=0.0, high=1.0):
    """Random states of two to four plateaus."""
    x = (np.arange(cells) + 0.5) / cells
    states = []
    for rng in rngs:
        edges = np.sort(rng.uniform(size=rng.integers(2, 5)))
        levels = rng.permutation(np.linspace(low, high, len(edges)))
        states.append(levels[np.searchsorted(edges, x) % len(edges)])
    return np.stack(states)[:, None]


def draw(rngs, low, high):
    """One number for each member of a batch, (member, 1, 1)."""
    return np.array([rng.uniform(low, high) for rng in rngs])[:, None, None]
