"""Ads of people who sell things to each other."""
