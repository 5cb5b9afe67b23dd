"""DISCO, a baseline: a hypernetwork writes a differential equation.

`config` is its configuration and cheap to import; `disco` is the network.
"""
