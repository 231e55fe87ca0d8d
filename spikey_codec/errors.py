"""The closed set of errors a caller of spikey_codec can meet.

Every message is one sentence that says what is wrong and, where the user can do something
about it, what. Anything else that escapes from the package is a bug, except `OSError` from
reading and writing the user's own files and `MemoryError`.
"""


class SpikeyError(Exception):
    """Base of all errors below; the command line prints its message and exits with `exit_code`."""

    exit_code = 1


class NotBrainwireError(SpikeyError):
    """The bytes do not start like a .brainwire file, or an archive where one is to be read."""


class VersionError(SpikeyError):
    """The file is of a format version or preset that this release does not know."""


class CorruptError(SpikeyError):
    """The file is truncated or damaged: what it says cannot be true, or its checksum differs."""


class WeightsError(SpikeyError):
    """The shipped weights are missing or damaged."""


class RecordingError(SpikeyError):
    """A file given as a recording cannot be used as one for the task at hand."""


class UsageError(SpikeyError):
    """An argument cannot be used: an unknown preset, an impossible number."""

    exit_code = 2
