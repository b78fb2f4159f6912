-- What each visitor makes of each product, as one row: a view is worth 1, one in the cart 4, an order 10. Nobody counts
-- twice, doubled events neither, and bots not at all.
CREATE TABLE product_interest WITH (KEY_FORMAT = 'JSON') AS
  SELECT visitor_id,
         EXPLODE(items)->category AS category,
         EXPLODE(items)->product_id AS product_id,
         MAX(CASE WHEN event_type = 'ORDER_COMPLETED' THEN 10 WHEN event_type = 'PRODUCT_ADDED' THEN 4 ELSE 1 END) AS weight
  FROM customer_events
  WHERE event_type IN ('PRODUCT_VIEWED', 'PRODUCT_ADDED', 'ORDER_COMPLETED') AND COALESCE(bot_score, 0e0) < 0.5e0
  GROUP BY visitor_id, EXPLODE(items)->category, EXPLODE(items)->product_id
  EMIT CHANGES;

-- The twenty most wanted of each category: of all time, and trending, where interest is worth half after two hours.
CREATE TABLE popular_items AS
  SELECT category,
         TOP_ITEMS(product_id, weight, 20) AS wanted,
         TOP_ITEMS(product_id, weight, 20, '2 HOURS') AS trending
  FROM product_interest
  GROUP BY category
  EMIT CHANGES;
