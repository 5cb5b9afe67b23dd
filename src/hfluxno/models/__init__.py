"""Forecasters that learn: a context in, an operator out that advances a state conservatively."""
