"""The command line: `spikey` (main), and `./encode` and `./decode` (challenge)."""
