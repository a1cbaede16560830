"""Tables of any SQL database as Arrow: `table_reader` inspects and reads them, one file an engine does the reading."""
