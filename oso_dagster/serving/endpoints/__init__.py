"""What is answered over HTTP: `/sql` and `/async-sql` as the generations of `pyoso` send them."""
