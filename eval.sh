#!/usr/bin/env bash
# The challenge's protocol: compress and restore every recording of data/ with ./encode and
# ./decode, compare byte for byte, and score. Sets everything up where that is still to be done.
#
#   ./eval.sh                      data/*.wav (unpacked from data.zip, or synthetic, if missing)
#   DATA=DIR ./eval.sh             DIR/*.wav
#   PRESET=NAME ./eval.sh          with ./encode --preset NAME
set -euo pipefail
export LC_ALL=C # decimal points
unset CDPATH
if [ $# -gt 0 ]; then
    echo "eval.sh: it takes no arguments, only DATA=DIR and PRESET=NAME in the environment." >&2
    exit 2
fi
start=$PWD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
./setup.sh
spikey=.venv/bin/spikey

fail() {
    echo "eval.sh: $1" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shopt -s nullglob

if [ -n "${DATA:-}" ]; then
    case $DATA in /*) data=$DATA ;; *) data=$start/$DATA ;; esac
    [ -d "$data" ] || fail "there is no folder $DATA."
else
    data=data
    if [ ! -d data ] && [ -f data.zip ]; then
        echo "Unpacking data.zip ..." >&2
        unpacked=$(mktemp -d ./data.XXXXXX)
        trap 'rm -rf "$work" "$unpacked"' EXIT
        .venv/bin/python -m zipfile -e data.zip "$unpacked" 2>"$work/log" ||
            fail "data.zip cannot be unpacked."
        chmod 755 "$unpacked"
        if [ -d "$unpacked/data" ]; then mv "$unpacked/data" data; else mv "$unpacked" data; fi
    fi
    if [ ! -d data ] || [ -z "$(ls -A data)" ]; then
        echo "There are no recordings: making synthetic ones in data/ ..." >&2
        $spikey simulate data
    fi
fi
recordings=("$data"/*.wav)
[ ${#recordings[@]} -gt 0 ] || fail "there is no .wav file in $data."

size() { wc -c <"$1"; }
now() { # microseconds
    if [ -n "${EPOCHREALTIME:-}" ]; then
        local stamp=$EPOCHREALTIME
        echo $((10#${stamp//[!0-9]/}))
    else
        echo $(($(date +%s) * 1000000))
    fi
}

original=0 compressed=0 encoding=0 decoding=0 count=0 synthetic=0
for recording in "${recordings[@]}"; do
    case ${recording##*/} in synthetic-*) synthetic=$((synthetic + 1)) ;; esac
    begin=$(now)
    ./encode ${PRESET:+--preset "$PRESET"} "$recording" "$work/brainwire" ||
        fail "./encode failed on $recording."
    middle=$(now)
    ./decode "$work/brainwire" "$work/copy" || fail "./decode failed on $recording."
    end=$(now)
    cmp -s "$recording" "$work/copy" || fail "$recording did not come back the same."
    original=$((original + $(size "$recording")))
    compressed=$((compressed + $(size "$work/brainwire")))
    encoding=$((encoding + middle - begin)) decoding=$((decoding + end - middle))
    count=$((count + 1))
    if [ -t 2 ]; then printf '\r%d of %d recordings ' $count ${#recordings[@]} >&2; fi
done
if [ -t 2 ]; then printf '\r\033[K' >&2; fi

shipped=$((compressed + $(size encode) + $(size decode)))
# What decoding needs of the package: the modules that ./decode loads, and those that compile them.
mkdir -p "$work/package"
.venv/bin/python - "$work/brainwire" "$work/copy" >"$work/modules" <<'END'
import glob, os, sys
from spikey_codec.cli import challenge as executables
if executables.decode(sys.argv[1:]) == 0:
    loaded = [module for name, module in sys.modules.items() if name.startswith("spikey_codec")]
    paths = {os.path.relpath(module.__file__) for module in loaded if module.__file__}
    for room in ("engine", "kernels"):
        paths.update(glob.glob(f"spikey_codec/{room}/*.py"))
    print(*sorted(path for path in paths if path.endswith(".py")), sep="\n")
END
tar -cf - --exclude='*.md' weights encode decode $(cat "$work/modules") | tar -xf - -C "$work/package"
package=0
while IFS= read -r file; do package=$((package + $(size "$file"))); done < <(
    find "$work/package/spikey_codec" "$work/package/weights" -type f
)
(cd "$work/package" && "$here/.venv/bin/python" -m zipfile -c ../package.zip .)
zipped=$(size "$work/package.zip")
ratio() { # cut off after so many decimals, as the challenge does
    awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN { printf "%.*f", d, int(a / b * 10 ^ d) / 10 ^ d }'
}

echo "All recordings successfully compressed."
if [ $synthetic -eq $count ]; then
    echo "NOTE: these are synthetic recordings, made by 'spikey simulate': this score says little."
elif [ $synthetic -gt 0 ]; then
    echo "NOTE: $synthetic of these $count recordings are synthetic."
fi
echo "Original size (bytes): $original"
echo "Compressed size (bytes): $shipped"
echo "Compression ratio: $(ratio $original $shipped 2)"
echo
echo "Data alone: $(ratio $original $compressed 4) ($compressed bytes)"
echo "Everything that decoding needs counted, package source and weights: \
$(ratio $original $((shipped + package)) 4) ($package bytes more)"
echo "The same as one zip file, as a wheel is one: \
$(ratio $original $((compressed + zipped)) 4) ($zipped bytes)"
echo "Mean time of one ./encode: $(ratio $encoding $((1000 * count)) 1) ms, \
of one ./decode: $(ratio $decoding $((1000 * count)) 1) ms ($count recordings)"
