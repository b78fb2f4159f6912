-- Views and viewers of each product in the last hour, every five minutes. All products, bots too, and no order among them;
-- a doubled event is one view more. popular_products_plus.sql makes the list.

CREATE TABLE product_views AS
  SELECT items[1]->product_id AS product_id,
         COUNT(*) AS views,
         COUNT_DISTINCT(visitor_id) AS visitors
  FROM customer_events
  WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 5 MINUTES, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  WHERE event_type = 'PRODUCT_VIEWED'
  GROUP BY items[1]->product_id
  EMIT CHANGES;
