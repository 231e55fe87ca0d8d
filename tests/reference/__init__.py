"""A second decoder, written from FORMAT.md alone, to find out whether the two agree.

It shares nothing with the package but the weights, and follows FORMAT.md section by section, in
plain Python on plain integers. NumPy only reads the `.npy` files. It is slow: a second for some
thousands of samples, and longer with a large network.

    decode(data, Path("weights"))            a .brainwire file
    decode_stream(data, Path("weights"))     a stream, with whatever was lost or changed on the way
    decode_archive(data, Path("weights"))    an archive

Each module begins with the section of FORMAT.md that it follows. In the order of FORMAT.md:

fields                              Conventions
file, framing, mapping              File
chunks, channel_header              Chunks
reference_channels, coding_passes   Chunks, what channels have in common
weights                             Weights
payload, bits                       Lanes
lane, levels                        Rows from 1 on
scales, symbols, density, huffman   Rows from 1 on, the code tables
network_array, layers               Networks
logarithm, network_lane             Networks, state and rows
mixing, rans                        Mixing
streams, archives                   Streams, Archives
"""

from reference.archives import decode_archive
from reference.file import decode
from reference.streams import decode_stream

__all__ = ["decode", "decode_archive", "decode_stream"]
