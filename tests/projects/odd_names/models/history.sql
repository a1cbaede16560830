MODEL (name marts.history, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [id]));
SELECT id::INT AS id FROM marts."two words"
