"""GraphQL over the marts: a schema made of what is published, pages by cursor, relations by id, the same engine and limits."""
