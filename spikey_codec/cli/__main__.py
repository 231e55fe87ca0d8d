"""`python -m spikey_codec.cli` is `spikey`."""

from .main import main

if __name__ == "__main__":
    main(prog_name="spikey")
