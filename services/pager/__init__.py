"""The pager that scenarios share: where an app's alerts arrive, which is how detection is measured."""
