"""What can be wrong between statistics and the log that they count."""

from aeromatch import AeroMatchError


class StatisticsError(AeroMatchError):
    """Statistics and log do not belong together, or something between them is missing: the message says what."""
