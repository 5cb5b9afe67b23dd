"""Record PyClaw's answer for a gas in a ring in pyclaw_gas.npz.

It is `diaphragms_1.4` of benchmarks/gas.py, averaged to 100 cells. Run
``python -m tests.oracle.record_pyclaw_gas`` where clawpack is installed (see README.md).
"""

from pathlib import Path

import numpy as np

from benchmarks import gas

NAME, FRAMES = "diaphragms_1.4", 40


def main() -> None:
    problem = next(rest for name, *rest in gas.problems() if name == NAME)
    values = gas.solved(*problem)[:FRAMES]
    averages = values.reshape(FRAMES, 3, -1, 2).mean(axis=-1)
    file = Path(__file__).with_name("pyclaw_gas.npz")
    np.savez_compressed(file, values=averages.astype(np.float32), interval=problem[3])


if __name__ == "__main__":
    main()
