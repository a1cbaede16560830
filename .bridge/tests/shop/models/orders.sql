MODEL (
  name staging.orders,
  kind SEED (path '../seeds/orders.csv'),
  columns (id INT, customer TEXT, ordered_on DATE, cents INT),
  grain id,
  audits (unique_values(columns := id))
);
