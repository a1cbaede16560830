"""What a source declares (tables, columns, partitions, schedules, settings), and the values of one load of it."""
