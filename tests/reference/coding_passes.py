"""FORMAT.md, "Coding passes": which channels are decoded before which."""

from __future__ import annotations

from reference.channel_header import Channel


def passes_of(infos: list[Channel]) -> list[list[int]]:
    """The numbers of the coded channels, pass by pass."""
    left = [number for number, info in enumerate(infos) if info.constant is None]
    for number in left:
        named = [reference.channel for reference in infos[number].references]
        if len(set(named)) < len(named) or number in named or not set(named) <= set(left):
            raise ValueError("a channel has an impossible reference channel")
    passes: list[list[int]] = []
    while left:
        coding_pass = [
            n
            for n in left
            if not {reference.channel for reference in infos[n].references} & set(left)
        ]
        if not coding_pass:
            raise ValueError("the reference channels form a ring")
        passes.append(coding_pass)
        left = [n for n in left if n not in coding_pass]
    return passes
