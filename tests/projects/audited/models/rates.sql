MODEL (name marts.rates, kind FULL);
SELECT currency::TEXT AS currency FROM raw.rates
