"""Random steps."""

import numpy as np

from hfluxno.initial import random_steps


def jumps(u):
    return int(np.sum(u != np.roll(u, 1)))


def test_number_of_jumps_is_uniform():
    random = np.random.default_rng(0)
    samples = [random_steps(random, 100, -1.0, 1.0) for _ in range(5000)]
    counts = np.bincount(list(map(jumps, samples)), minlength=6)
    # On a circle one jump is none.
    assert counts[1] == 0 and len(counts) == 6
    expected, error = 1000, np.sqrt(5000 * 0.2 * 0.8)
    assert np.max(np.abs(counts[[0, 2, 3, 4, 5]] - expected)) < 4.5 * error


def test_heights_are_uniform_in_their_range():
    random = np.random.default_rng(1)
    samples = np.stack([random_steps(random, 64, 0.5, 4.5) for _ in range(3000)])
    assert samples.min() >= 0.5 and samples.max() <= 4.5
    heights = samples[:, 0]  # one height per sample: cell 0 is not special
    assert abs(heights.mean() - 2.5) < 4.5 * 4.0 / np.sqrt(12 * 3000)
    low_quarter = np.mean(heights < 1.5)
    assert abs(low_quarter - 0.25) < 4.5 * np.sqrt(0.25 * 0.75 / 3000)


def test_every_edge_is_equally_likely():
    random = np.random.default_rng(2)
    samples = np.stack([random_steps(random, 16, -1.0, 1.0) for _ in range(4000)])
    share = np.mean(samples != np.roll(samples, 1, axis=1), axis=0)
    expected = (2 + 3 + 4 + 5) / 5 / 16  # a single jump is none
    assert np.max(np.abs(share - expected)) < 4.5 * np.sqrt(expected / 4000)
