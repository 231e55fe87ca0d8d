#!/usr/bin/env bash
# Makes .venv beside this file and installs Spikey into it, with the extras named as arguments
# (./setup.sh test). Does nothing where that is done already. Needs Python 3.11 or newer.
set -euo pipefail
unset CDPATH # or cd would print where it went
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
for extra in "$@"; do
    case $extra in test | train | plot | zarr | dask | fuzz) ;; *)
        echo "setup.sh: there is no extra named '$extra'; there are test, train, plot, zarr, dask, fuzz." >&2
        exit 2
        ;;
    esac
done

# The environment is made anew when anything that it was made from has changed.
sources="setup.cfg setup.py pyproject.toml"
sources="$sources spikey_codec/constants.py spikey_codec/engine/*.py spikey_codec/kernels/*.py"
stamp=$(cat $sources | cksum)
stamp="$stamp $here"
notes=.venv/spikey-setup # line 1: the stamp; line 2: the extras
installed() { sed -n 2p $notes 2>/dev/null || true; }
done_already() { # with all the extras named as arguments
    [ -x .venv/bin/python ] && [ "$(sed -n 1p $notes 2>/dev/null)" = "$stamp" ] || return 1
    for extra in "$@"; do
        case " $(installed) " in *" $extra "*) ;; *) return 1 ;; esac
    done
}
if done_already "$@"; then exit 0; fi

python=
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v $candidate >/dev/null &&
        $candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "setup.sh: Spikey needs Python 3.11 or newer, and there is none on this machine." >&2
    exit 1
fi

# One at a time: a second set-up waits for the first, unless that one has died.
until mkdir .venv.lock 2>/dev/null; do
    if ! kill -0 "$(cat .venv.lock/pid 2>/dev/null)" 2>/dev/null; then
        sleep 1 # it may be about to write its number
        kill -0 "$(cat .venv.lock/pid 2>/dev/null)" 2>/dev/null || rm -rf .venv.lock
    fi
    sleep 1
done
log=$(mktemp)
trap 'rm -rf "$log" .venv.lock' EXIT
echo $$ >.venv.lock/pid
if done_already "$@"; then exit 0; fi # by the one that was waited for
extras=$(echo "$(installed) $*" | tr -s ' ' '\n' | sort -u | tr '\n' ' ')
names=$(echo $extras | tr ' ' ',') # no quotes: drops spaces at the ends

echo "Setting up .venv (once; a minute or two) ..." >&2
rm -f $notes
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
if ! .venv/bin/python -m pip --version >/dev/null 2>&1 && # not there, or not whole
    ! $python -m venv --clear .venv >"$log" 2>&1; then
    cat "$log" >&2
    echo "setup.sh: the virtual environment .venv could not be made." >&2
    exit 1
fi
if ! .venv/bin/python -m pip install --quiet \
    --editable ".${names:+[$names]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup.sh: pip could not install Spikey into .venv (see above)." >&2
    exit 1
fi
printf '%s\n%s\n' "$stamp" "$extras" >$notes
