"""The fuzzer's command line; see __init__.py."""

import shlex
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--seeds"]:
        from fuzz import seeds

        seeds.write(Path(arguments[1]))
    elif arguments[:1] == ["--keep"]:
        from fuzz import corpus

        corpus.keep([Path(name) for name in arguments[1:]])
    elif arguments[:1] == ["--unpack"]:
        from fuzz import corpus

        corpus.unpack(Path(arguments[1]))
    elif arguments[:1] == ["--replay"]:
        from fuzz.corpus import SHORT, kept
        from fuzz.targets import read, small_networks

        named = [(name, Path(name).read_bytes()) for name in arguments[1:]]
        with small_networks():
            for name, content in named or kept(SHORT):
                print(name, read(content), sep=": ", flush=True)
    else:
        import atheris

        with atheris.instrument_imports(include=["spikey_codec"]):
            from fuzz.targets import read, small_networks

        with small_networks():
            # libFuzzer starts itself again to merge, by a shell
            itself = shlex.join([sys.executable, str(Path(__file__).parent)])
            atheris.Setup([itself, *arguments], read)
            atheris.Fuzz()


if __name__ == "__main__":
    warnings.simplefilter("error")
    main(sys.argv[1:])
