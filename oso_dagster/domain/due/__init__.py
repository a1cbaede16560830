"""What is due: the jobs of a source, the partitions that are missing, those to look at again."""
