"""DISCO, a baseline: a hypernetwork writes a differential equation.

`config` says what decides one and may be imported at no cost; `disco` is the network.
"""
