"""Which channels were recorded together."""

from __future__ import annotations

from .._aliases import moved

__getattr__ = moved(
    "topology",
    {
        "Peer": "topology.nodes",
        "Topology": "topology.graph",
        "common_activity": "topology.correlation",
        "simultaneous_groups": "topology.groups",
    },
)
