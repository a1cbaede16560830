"""The public page: `render` makes its files of `domain.status.StatusPage`, `publish` puts them where readers find them.

Knows no store and no dagster: whoever gathers the numbers is in `orchestration`.
"""
