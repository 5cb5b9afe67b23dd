"""Truths from schemes that the library does not have, and systems outside its conservation laws.

NumPy only, so that an error of the library's solver cannot hide in the truth.
"""
