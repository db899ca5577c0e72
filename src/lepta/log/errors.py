"""Why something presented as part of a log is not believed."""


class LogError(ValueError):
    """Not a part of the log it claims to belong to. The message says what is wrong."""


class MalformedError(LogError):
    """The bytes are not in the format that they claim; nothing was checked against a key or a root."""


class UnverifiedError(LogError):
    """Well-formed, but a signature, a hash or a proof does not hold."""
