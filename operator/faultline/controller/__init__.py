"""The operator. `kopf run -m faultline.controller` imports this, which registers the handlers."""

from faultline.controller import handlers

__all__ = ["handlers"]
