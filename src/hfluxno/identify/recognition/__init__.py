"""A fitted law as a formula and by its name."""
