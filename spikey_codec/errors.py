"""The closed set of errors a caller of spikey_codec can meet.

Every message is one sentence that says what is wrong and, where the user can do something
about it, what. Anything else that escapes from the package is a bug, except `OSError` from
reading and writing the user's own files, `MemoryError`, and from indexing a recording
`IndexError`. docs/cli.md lists them with their exit statuses.
"""


class SpikeyError(Exception):
    """Base of all errors below; the command line prints its message and exits with `exit_code`.

    1 is also the status of OSError, of MemoryError and of a run over many files of which some
    failed.
    """

    exit_code = 1


class UsageError(SpikeyError):
    """An argument cannot be used: an unknown preset, an impossible number."""

    exit_code = 2


class CorruptError(SpikeyError):
    """The file is truncated or damaged: what it says cannot be true, or its checksum differs."""

    exit_code = 3


class NotBrainwireError(SpikeyError):
    """The bytes do not start like a .brainwire file, or an archive where one is to be read."""

    exit_code = 4


class VersionError(SpikeyError):
    """The file is of a format version, a preset or a network that is not known here."""

    exit_code = 5


class RecordingError(SpikeyError):
    """A file given as a recording cannot be used as one for the task at hand."""

    exit_code = 6


class WeightsError(SpikeyError):
    """The weights are missing or damaged, or are not those of the format."""

    exit_code = 7


class VerifyError(SpikeyError):
    """What was encoded did not decode to the same samples: a bug, or memory or disk that errs."""

    exit_code = 8


class WorkerError(SpikeyError):
    """A process that was at work for this one has been killed, by a system short of memory."""
