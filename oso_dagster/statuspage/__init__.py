"""The public page: `render` makes its files of `domain.status.page.StatusPage`, `publish` puts them where readers find them.

Knows no store and no dagster: the numbers are gathered in `orchestration`.
"""
