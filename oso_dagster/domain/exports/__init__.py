"""What is declared, in the formats of others: OpenSLO, and data contracts of the Open Data Contract Standard."""
