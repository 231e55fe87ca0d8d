"""FORMAT.md, "Canonical Huffman codes": code lengths, and codewords of these lengths."""

from __future__ import annotations

from reference.bits import Bits

LONGEST_WORD = 15


def code_lengths(masses: list[int]) -> list[int]:
    """The length of each symbol's codeword, 0 for none."""
    floor = max(1, sum(masses) >> 15)
    while True:
        depths = leaf_depths(masses, floor)
        if max(depths.values()) <= LONGEST_WORD:
            return [depths.get(symbol, 0) for symbol in range(len(masses))]
        floor *= 2


def leaf_depths(masses: list[int], floor: int) -> dict[int, int]:
    """The depth of each symbol's leaf in the Huffman tree, by two queues."""
    leaves = sorted((max(mass, floor), symbol) for symbol, mass in enumerate(masses) if mass > 0)
    if len(leaves) == 1:
        return {leaves[0][1]: 1}
    count = len(leaves)
    # Nodes are numbered: the leaves in sorted order, then the inner ones as they are made.
    weights = [mass for mass, _ in leaves]
    parents = [0] * (2 * count - 1)
    next_leaf, next_inner = 0, count
    for made in range(count, 2 * count - 1):
        total = 0
        for _ in range(2):
            inner_ready = next_inner < made
            if next_leaf < count and not (inner_ready and weights[next_inner] < weights[next_leaf]):
                taken, next_leaf = next_leaf, next_leaf + 1
            else:
                taken, next_inner = next_inner, next_inner + 1
            total += weights[taken]
            parents[taken] = made
        weights.append(total)
    depths = [0] * (2 * count - 1)
    for node in reversed(range(2 * count - 2)):
        depths[node] = depths[parents[node]] + 1
    return {symbol: depths[node] for node, (_, symbol) in enumerate(leaves)}


class CodeTable:
    """Canonical codewords of given lengths."""

    def __init__(self, lengths: list[int]):
        self.symbols: dict[tuple[int, int], int] = {}
        ordered = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
        word, before = -1, ordered[0][0]
        for length, symbol in ordered:
            word = (word + 1) << (length - before)
            self.symbols[length, word] = symbol
            before = length
        self.used = sorted({length for length, _ in self.symbols})

    def read(self, bits: Bits) -> int:
        """The symbol of the next codeword."""
        window = bits.peek(LONGEST_WORD)
        for length in self.used:
            symbol = self.symbols.get((length, window >> (LONGEST_WORD - length)))
            if symbol is not None:
                bits.skip(length)
                return symbol
        raise ValueError("no codeword begins so")
