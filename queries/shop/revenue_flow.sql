-- Revenue by minute as it happened: what was ordered counts in the minute of the order, what was cancelled or refunded in
-- the minute in which it went back; at risk is what was ordered while its risk was under review. One row for each category
-- and currency, since amounts of two currencies do not add up. What is sent again within six hours counts once.
CREATE TABLE revenue_flow WITH (KEY_FORMAT = 'JSON') AS
  SELECT EXPLODE(items)->category AS category,
         currency,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS booked,
         SUM(CASE WHEN event_type <> 'ORDER_PLACED' THEN EXPLODE(items)->line_total END) AS taken_back,
         SUM(CASE WHEN event_type = 'ORDER_PLACED' AND risk->band IN ('REVIEW', 'STEP_UP') THEN EXPLODE(items)->line_total END)
           AS at_risk
  FROM orders
  WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  WHERE event_type IN ('ORDER_PLACED', 'ORDER_CANCELLED', 'ORDER_REFUNDED')
  DEDUPLICATE BY order_id, CASE WHEN event_type = 'ORDER_PLACED' THEN 'placed' ELSE event_id END WITHIN 6 HOURS
  GROUP BY EXPLODE(items)->category, currency
  EMIT CHANGES;
