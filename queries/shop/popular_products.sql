-- Views of each product in the last hour, every ten minutes. All products, bots too, and no order among them; a doubled
-- event is one view more. popular_products_plus.sql makes the list.

CREATE TABLE product_views WITH (RETENTION_MS = 86400000) AS
  SELECT items[1]->product_id AS product_id,
         COUNT(*) AS views
  FROM customer_events
  WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 10 MINUTES, RETENTION 2 HOURS, GRACE PERIOD 10 MINUTES)
  WHERE event_type = 'PRODUCT_VIEWED'
  GROUP BY items[1]->product_id
  EMIT CHANGES;
