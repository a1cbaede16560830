MODEL (name marts.best, kind VIEW);

SELECT customer::TEXT AS customer FROM marts.customers ORDER BY cents DESC LIMIT 1
