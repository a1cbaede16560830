"""What dlt does of a load: batches become files, under settings of our own."""
