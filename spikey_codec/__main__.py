"""`python -m spikey_codec` is `spikey`."""

from .cli.main import main

if __name__ == "__main__":
    main(prog_name="spikey")
