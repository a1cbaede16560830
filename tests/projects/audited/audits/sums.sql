AUDIT (name sums_are_positive, standalone true);
SELECT p.payer FROM marts.payers AS p JOIN staging.payments AS s USING (payer) WHERE p.cents <= 0
