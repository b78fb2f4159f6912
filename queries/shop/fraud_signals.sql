-- Cards with four or more payment attempts in five minutes. A burst across a boundary is missed, and a doubled event is
-- an attempt more; fraud_signals_plus.sql has neither fault.

CREATE TABLE card_bursts AS
  SELECT payment->card_fingerprint AS card,
         COUNT(*) AS attempts,
         COUNT_DISTINCT(customer_id) AS accounts,
         SUM(total) AS amount
  FROM orders
  WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 2 HOURS, GRACE PERIOD 10 MINUTES)
  WHERE event_type = 'PAYMENT_ATTEMPTED' AND payment->card_fingerprint IS NOT NULL
  GROUP BY payment->card_fingerprint
  HAVING COUNT(*) >= 4
  EMIT CHANGES;
