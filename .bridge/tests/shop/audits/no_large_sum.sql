AUDIT (name no_large_sum);

SELECT customer, cents FROM @this_model WHERE cents > 700
