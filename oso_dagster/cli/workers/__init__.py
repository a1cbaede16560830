"""Worker processes that run jobs side by side for `oso run` and `oso demo`: the pool, a worker, their messages."""
