-- Orders that were placed while their risk was under review, with the reasons that whoever judged them gave.
CREATE STREAM suspicious_orders AS
  SELECT customer_key, order_id, total, currency, risk->band AS band, risk->reasons AS reasons
  FROM orders
  WHERE event_type = 'ORDER_PLACED' AND risk->band IN ('REVIEW', 'STEP_UP')
  EMIT CHANGES;
