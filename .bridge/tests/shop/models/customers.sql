MODEL (
  name marts.customers,
  kind FULL,
  owner 'team:shop',
  description 'What each customer has paid.',
  audits (not_null(columns := customer), no_large_sum(blocking := false))
);

SELECT
  customer::TEXT AS customer, -- who ordered
  SUM(cents)::BIGINT AS cents -- in all orders
FROM staging.orders
GROUP BY customer
