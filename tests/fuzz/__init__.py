"""A coverage-guided fuzzer of everything that takes bytes or samples nobody vouches for.

    python tests/fuzz --seeds SEEDS                      small inputs of every kind, once
    python tests/fuzz CORPUS SEEDS -max_total_time=600 -max_len=4000 -timeout=20 \\
        -rss_limit_mb=1500 -print_final_stats=1          needs `pip install atheris`
    python tests/fuzz --keep CORPUS [CORPUS ...]         the least that covers what these, the
                                  seeds and tests/fuzz/corpus.zip reach becomes that corpus.zip
    python tests/fuzz --unpack CORPUS                    to begin with what is kept
    python tests/fuzz --replay FILE [FILE ...]           what becomes of single inputs

With SPIKEY_ENGINE=python the kernels run in the interpreter: they then guide the search and are
guarded (modes.py), but only small inputs are affordable (-max_len=600, and not all the seeds). By
default they are compiled, and only what is around them guides. What is found goes
to regressions/ under a name that says what it was;
test_fuzz.py replays that folder and the corpus with both engines, without atheris.

targets.py   which target an input is for, and what counts as a finding
decoding.py  targets that read what may be damaged or hostile
documents.py a target of texts in JSON that hold what their readers do not expect
encoding.py  targets that compress anything, which must come back
modes.py     checks switched off, small chunks, limits of size, guarded kernels
inputs.py    numbers from the front of an input
seeds.py     the inputs to begin with
corpus.py    the inputs that are kept
"""
