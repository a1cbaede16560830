MODEL (name marts."star*$", kind VIEW);
SELECT id::INT AS id FROM marts."two words"
