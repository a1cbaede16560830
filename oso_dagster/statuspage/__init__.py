"""The public page: `render` makes its files of `domain.status.page.StatusPage`, `publish` puts them where readers find them.

Knows no store and no dagster: whoever gathers the numbers is in `orchestration`.
"""
