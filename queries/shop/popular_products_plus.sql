-- What visitors make of products: a view is worth 1, one in the cart 3 more, an order 6 more, however many pieces. Nobody
-- counts twice within half an hour, doubled events neither, and bots not at all. The topic keeps six hours of it.
CREATE STREAM product_interest WITH (RETENTION_MS = 21600000) AS
  SELECT visitor_key,
         EXPLODE(items)->category AS category,
         EXPLODE(items)->product_id AS product_id,
         CASE WHEN event_type = 'ORDER_COMPLETED' THEN 6 WHEN event_type = 'PRODUCT_ADDED' THEN 3 ELSE 1 END AS weight
  FROM customer_events
  WHERE event_type IN ('PRODUCT_VIEWED', 'PRODUCT_ADDED', 'ORDER_COMPLETED') AND COALESCE(bot_score, 0e0) < 0.5e0
  DEDUPLICATE BY visitor_id, EXPLODE(items)->product_id, event_type WITHIN 30 MINUTES
  EMIT CHANGES;

-- The twenty most wanted of each category: of all time, and trending, where interest is worth half after two hours.
CREATE TABLE popular_items AS
  SELECT category,
         TOP_ITEMS(product_id, weight, 20) AS wanted,
         TOP_ITEMS(product_id, weight, 20, '2 HOURS') AS trending
  FROM product_interest
  GROUP BY category
  EMIT CHANGES;
