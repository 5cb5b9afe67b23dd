"""Take the law away

An inferred law is a file of numbers, and can be exported as a program that does not need hfluxno:
here a NumPy module and formulas. Greenshields' flux, which the cars of the example follow, is drawn
beside it. `--to c` writes a header in C, `--to pyclaw` a Riemann solver, `--to stablehlo` a program
for anything that runs StableHLO.
"""

import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hfluxno.cli import main

file = str(Path(__file__).parents[1] / "traffic.nc")
assert main(["identify", file, "--context", "20", "--save", "law.json"]) == 0
assert main(["export", "law.json", "--to", "numpy", "-o", "law.py"]) == 0
assert main(["export", "law.json", "--to", "latex", "-o", "law.tex"]) == 0
print(Path("law.tex").read_text(encoding="utf-8"))

law = runpy.run_path("law.py")  # needs only NumPy
density = np.linspace(26.0, 114.0, 100)
flux = law["flux"](density[None])[0]
hidden = 100.0 * density * (1.0 - density / 140.0)
shift = np.mean(hidden - flux)  # a flux is known up to a constant
print(
    f"largest difference {np.abs(flux + shift - hidden).max():.2g} of {hidden.max():.5g} vehicles/h"
)

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.plot(density, flux + shift, label="law.py")
axes.plot(density, hidden, "k--", label="100 ρ (1 − ρ/140)")
axes.set(xlabel="density (vehicles/km)", ylabel="flux (vehicles/h)")
axes.legend()
figure.savefig("take_away.png", dpi=120)
