"""Many trajectories, processed chunk by chunk in one process or on many machines.

`work` is what is done to the trajectories of a chunk, `chunk` reads one and arranges its results,
`lazy` makes datasets that are computed on demand, `store` keeps the results of chunks on disk, and
`cluster` gives chunks to processes.
"""
