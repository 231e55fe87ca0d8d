"""A network with canonical Huffman codes: preset number 1."""

from __future__ import annotations

from ..kernels.bind import network_huffman_decode, network_huffman_encode
from .huffman import HuffmanCoder
from .network import NetworkCoder


class NetworkHuffman(NetworkCoder, HuffmanCoder):
    """See `Coder`."""

    encode_kernel = staticmethod(network_huffman_encode)
    decode_kernel = staticmethod(network_huffman_decode)
