-- Revenue by minute as it happened: what was ordered counts in the minute of the order, what was cancelled or refunded in
-- the minute in which it went back; at risk is what suspicious_orders.sql puts under review. One row for each category and
-- currency, since amounts of two currencies do not add up. What is sent again within six hours counts once.
CREATE TABLE revenue_flow WITH (KEY_FORMAT = 'JSON') AS
  SELECT EXPLODE(items)->category AS category,
         currency,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS booked,
         SUM(CASE WHEN event_type <> 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS taken_back,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' AND (given_band IN ('REVIEW', 'STEP_UP') OR (given_band IS NULL AND log_odds >= -2.5e0))
                  THEN EXPLODE(items)->line_total END) AS at_risk
  FROM scored_orders
  WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  DEDUPLICATE BY order_id, CASE WHEN event_type = 'ORDER_PLACED' THEN 'placed' ELSE event_id END WITHIN 6 HOURS
  GROUP BY EXPLODE(items)->category, currency
  EMIT CHANGES;
