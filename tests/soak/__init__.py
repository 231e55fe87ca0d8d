"""Runs of an hour by script, whose short forms are in test_soak.py.

    python tests/soak stream --minutes 30      1,024 leads through a channel that loses and damages
    python tests/soak long FOLDER --hours 10   a recording larger than memory and than 4 GiB
    python tests/soak short --inputs 1000000   very many very short inputs in one process

Each prints what it found, its figures once more as a line of JSON, and ends with status 1 where
anything failed. What they found is in docs/reliability.md.
"""
