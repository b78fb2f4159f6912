-- Revenue as it stands: what is cancelled or refunded goes back out of `net` at once. An order that is sent again within six
-- hours counts once, and so does a doubled event of any kind.
CREATE TABLE revenue_net AS
  SELECT EXPLODE(items)->category AS category,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' THEN 1 ELSE 0 END) AS line_count,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS booked,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' THEN EXPLODE(items)->line_total ELSE -EXPLODE(items)->line_total END) AS net
  FROM orders
  WHERE event_type IN ('ORDER_PLACED', 'ORDER_CANCELLED', 'ORDER_REFUNDED')
  DEDUPLICATE BY order_id, CASE WHEN event_type = 'ORDER_PLACED' THEN 'placed' ELSE event_id END WITHIN 6 HOURS
  GROUP BY EXPLODE(items)->category
  EMIT CHANGES;

-- The last hour up to the newest order of the category, not up to the last full hour. `orders` and `customers` count
-- a doubled event once; `revenue` counts it twice.
CREATE TABLE revenue_last_hour AS
  SELECT EXPLODE(items)->category AS category,
         SUM(EXPLODE(items)->line_total) AS revenue,
         COUNT_DISTINCT(order_id) AS orders,
         COUNT_DISTINCT(customer_id) AS customers,
         QUANTILE(EXPLODE(items)->line_total, 0.5) AS usual_line
  FROM orders
  WINDOW SLIDING (SIZE 60 MINUTES, GRACE PERIOD 10 MINUTES)
  WHERE event_type = 'ORDER_PLACED'
  GROUP BY EXPLODE(items)->category
  EMIT CHANGES;
