"""The lakehouse on real servers: run by `make test-lakehouse`, which starts them, and by CI; not by `make test`."""
