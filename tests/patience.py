"""How long tests wait for another process: so long that only one that hangs exceeds it.

No test may fail because a machine is slow or busy. What takes too much time is told by processor
time or by counts instead.
"""

PATIENCE = 1800  # seconds
