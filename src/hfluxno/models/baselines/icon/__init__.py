"""ICON, the in-context operator network: examples in the prompt define the operator.

An example is a pair of states τ apart, a condition and a quantity of interest; the question is only
a condition, and its quantity the answer. One network learns all operators, and no weight changes
from one to another (Yang, Liu, Meng and Osher, PNAS 120, 2023, e2310142120; conservation laws: Yang
and Osher, arXiv:2401.07364, J. Comput. Phys. 2024). The values are not normalised, and the step is
not conservative.
"""
