-- Payment attempts by card, so that all of a card's attempts meet in one partition in one order.
CREATE STREAM payment_attempts AS
  SELECT payment->card_fingerprint AS card, event_id, customer_id, total
  FROM orders
  WHERE event_type = 'PAYMENT_ATTEMPTED' AND payment->card_fingerprint IS NOT NULL
  PARTITION BY payment->card_fingerprint
  EMIT CHANGES;

-- What each card has done in the ten minutes before its newest attempt. A doubled event is one attempt.
CREATE TABLE card_velocity AS
  SELECT card,
         COUNT_DISTINCT(event_id) AS attempts,
         COUNT_DISTINCT(customer_id) AS accounts,
         MAX(total) AS greatest
  FROM payment_attempts
  WINDOW SLIDING (SIZE 10 MINUTES, GRACE PERIOD 10 MINUTES)
  GROUP BY card
  EMIT CHANGES;

-- One alert a burst: at the fourth attempt in ten minutes, and again only after the card was quiet, half an hour later at the
-- earliest.
CREATE STREAM card_alerts AS
  SELECT card,
         COUNT_DISTINCT(event_id) AS attempts,
         COUNT_DISTINCT(customer_id) AS accounts
  FROM payment_attempts
  WINDOW SLIDING (SIZE 10 MINUTES, GRACE PERIOD 10 MINUTES)
  GROUP BY card
  ON ENTER (attempts >= 4, CLEAR attempts < 2, COOLDOWN 30 MINUTES)
  EMIT CHANGES;
