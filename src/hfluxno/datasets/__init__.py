"""Many trajectories: chunks of them are processed one by one, in one process or on many machines.

`work` says what is done to the trajectories of a chunk, `chunk` reads one and puts its results in
place, `lazy` makes datasets of it that are computed when they are asked for, `store` keeps the
results of chunks on disk, and `cluster` hands chunks to processes.
"""
