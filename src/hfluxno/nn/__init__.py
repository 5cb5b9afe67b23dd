"""Layers of the networks, independent of conservation laws."""
