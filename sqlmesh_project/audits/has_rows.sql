-- A table that should never be empty is empty. A warning: before its source first landed that is what is to be deployed, and
-- afterwards a load that lost its rows was refused before it was published.
AUDIT (name has_rows, blocking false);

SELECT 'empty' AS problem
WHERE NOT EXISTS (SELECT 1 FROM @this_model)
