MODEL (name marts."two words", kind FULL);
SELECT id::INT AS id FROM staging."größe"
