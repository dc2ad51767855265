"""What the server says about itself: metrics, statistics of the moment, and profiles (docs/observability.md).

`Observer` keeps everything; `metrics_app` and `profile_app` show it over HTTP.
"""

from aeromatch.server.observe.metrics_app import metrics_app
from aeromatch.server.observe.observer import Observer, Watched
from aeromatch.server.observe.pprof.app import profile_app

__all__ = ["Observer", "Watched", "metrics_app", "profile_app"]
