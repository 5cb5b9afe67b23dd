"""Layers of the learned models; nothing here knows what a conservation law is."""
