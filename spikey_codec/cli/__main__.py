"""`python -m spikey_codec.cli`, the same as `spikey`."""

from .main import main

if __name__ == "__main__":
    main(prog_name="spikey")
