-- Every line of every order once, with what became of it: a doubled event changes nothing, in whatever order events come.
-- The key is order, product and category; lines of one product in one order count as one.
CREATE TABLE order_line_state WITH (KEY_FORMAT = 'JSON') AS
  SELECT order_id,
         EXPLODE(items)->product_id AS product_id,
         EXPLODE(items)->category AS category,
         MAX(CASE WHEN event_type = 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS booked,
         MAX(CASE WHEN event_type IN ('ORDER_CANCELLED', 'ORDER_REFUNDED') THEN 1 ELSE 0 END) AS taken_back
  FROM orders
  WHERE event_type IN ('ORDER_PLACED', 'ORDER_CANCELLED', 'ORDER_REFUNDED')
  GROUP BY order_id, EXPLODE(items)->product_id, EXPLODE(items)->category
  EMIT CHANGES;

-- Revenue as it stands: a line that is cancelled or refunded goes back out of `net` at once.
CREATE TABLE revenue_net AS
  SELECT category,
         COUNT(booked) AS line_count,
         SUM(booked) AS booked,
         SUM(CASE WHEN taken_back = 1 THEN CAST(0 AS DECIMAL(18, 4)) ELSE booked END) AS net
  FROM order_line_state
  GROUP BY category
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
