"""Faultline: a lab for learning system design by breaking real systems on Kubernetes and fixing them."""

__version__ = "0.1.0"
