"""What the services of a lab share: an app with health and metrics, settings from the environment, client helpers.

    from labkit import clock, create_app, settings
    from labkit.postgres import create_pool
    from labkit.redis import create_client

Nothing in here sets a time-out, a retry or a size for a caller: those are the service's own decisions.
"""

from labkit import clock, settings
from labkit.app import create_app

__all__ = ["clock", "create_app", "settings"]
