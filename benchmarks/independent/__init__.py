"""Truths by schemes that the library does not have, and systems that are no conservation law of it.

NumPy only, so that an error of the library's solver cannot hide in the truth.
"""
