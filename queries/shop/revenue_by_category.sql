-- Revenue by category and minute: what was ordered, as it was ordered. Cancellations do not come off and an order that is
-- resent counts again; revenue_by_category_plus.sql is the version for deciding by.

CREATE STREAM order_lines AS
  SELECT customer_key, order_id, EXPLODE(items) AS line
  FROM orders
  WHERE event_type = 'ORDER_PLACED'
  EMIT CHANGES;

CREATE TABLE revenue_by_category AS
  SELECT line->category AS category,
         COUNT(*) AS line_count,
         SUM(line->quantity) AS units,
         SUM(line->line_total) AS revenue
  FROM order_lines
  WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  GROUP BY line->category
  EMIT CHANGES;
