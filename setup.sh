#!/usr/bin/env bash
# Makes .venv next to this file and installs Spikey into it, with the extras named as arguments
# (./setup.sh test). Does nothing where that is done already. Needs Python 3.11 or newer.
set -euo pipefail
unset CDPATH # or cd would print where it went
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here"
for extra in "$@"; do
    case $extra in test | train | plot | zarr | dask | fuzz | lint) ;; *)
        echo "setup.sh: there is no extra named '$extra'; there are test, train, plot, zarr, dask, fuzz, lint." >&2
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

# What pip says, in a line for each step that takes time, and all of it in $log.
steps() {
    local line size
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in
        *Downloading*.whl*\(* | *Downloading*.tar.gz*\(*)
            size=${line##*(}
            line=${line%% (*}
            line=${line##*/}
            line=${line##*Downloading }
            echo "  Downloading ${line%%-*} (${size%)*}) ..."
            ;;
        *"Installing build dependencies: started"*) echo "  Fetching what compiles the kernels ..." ;;
        "Installing collected packages: "*)
            line=${line//[!,]/}
            echo "  Installing $((${#line} + 1)) packages ..."
            ;;
        *"Building editable"*": started"* | *"Building editable"*": still running"*)
            echo "  Compiling the kernels (about half a minute) ..."
            ;;
        esac
    done
}

size="370 MB" # of .venv
case " $extras " in *" train "*) size="2 GB or more, with PyTorch" ;; *" plot "*) size="600 MB" ;; esac
echo "Setting up .venv, once (a few minutes, $size) ..." >&2
rm -f $notes
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_PROGRESS_BAR=off
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then # not there, or not whole
    echo "  Making the virtual environment ..." >&2
    if ! $python -m venv --clear .venv >"$log" 2>&1; then
        cat "$log" >&2
        echo "setup.sh: the virtual environment .venv could not be made." >&2
        exit 1
    fi
fi
echo "  Asking for the packages ..." >&2
if ! .venv/bin/python -m pip install --editable ".${names:+[$names]}" 2>&1 </dev/null | steps >&2; then
    tail -n 20 "$log" >&2
    echo "setup.sh: pip could not install Spikey into .venv (see above)." >&2
    exit 1
fi
printf '%s\n%s\n' "$stamp" "$extras" >$notes
echo "  Done: .venv is ready." >&2
