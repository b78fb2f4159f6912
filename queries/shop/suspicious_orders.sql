-- What speaks against each order, from the order itself: its card, its addresses, the way it came, the age of the account. Evidence
-- adds up as log-odds, from one fraud in 142 orders (-4.95) on, so that 0.7 more doubles the odds; the weights are starting points
-- until they are fitted to a shop's own chargebacks. Whoever judged an order before it came here is believed. Orders later told
-- again or taken back are judged alike. What many orders together tell (a card, a device, an address) stands in fraud_signals*.sql.
CREATE STREAM scored_orders WITH (RETENTION_MS = 86400000) AS
  SELECT customer_key, event_id, event_type, order_id, currency, total,
         TRANSFORM(items, item => STRUCT(category := item->category, line_total := item->line_total)) AS items,
         risk->band AS given_band, risk->reasons AS given_reasons,
         CASE WHEN payment->avs_result = 'NO_MATCH' THEN 1.0e0 ELSE 0e0 END
         + CASE WHEN payment->cvv_result = 'NO_MATCH' THEN 1.5e0 ELSE 0e0 END
         + CASE WHEN payment->issuer_country <> billing->country AND payment->issuer_country <> net->country THEN 0.9e0 ELSE 0e0 END
         + CASE WHEN billing->country <> shipping->country AND NOT COALESCE(is_gift, false) THEN 0.7e0 ELSE 0e0 END
         + CASE WHEN net->anonymizer = 'TOR' THEN 1.6e0 WHEN net->anonymizer IN ('VPN', 'PROXY', 'HOSTING') THEN 0.9e0 ELSE 0e0 END
         + CASE WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(account_created_at) < 60000 THEN 2.0e0
                WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(account_created_at) < 600000 THEN 0.6e0 ELSE 0e0 END
         + CASE WHEN shipping_speed IN ('EXPRESS', 'SAME_DAY') AND is_first_order THEN 0.5e0 ELSE 0e0 END
         + CASE WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_password_change_at) < 86400000
                 AND UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_address_change_at) < 86400000 THEN 2.5e0
                WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_password_change_at) < 86400000
                  OR UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_address_change_at) < 86400000 THEN 1.5e0 ELSE 0e0 END
         - 4.95e0 AS log_odds,
         FILTER(ARRAY[
           CASE WHEN payment->avs_result = 'NO_MATCH' THEN 'the address is not the card''s' END,
           CASE WHEN payment->cvv_result = 'NO_MATCH' THEN 'wrong check number' END,
           CASE WHEN payment->issuer_country <> billing->country AND payment->issuer_country <> net->country THEN 'card of another country' END,
           CASE WHEN billing->country <> shipping->country AND NOT COALESCE(is_gift, false) THEN 'sent to another country' END,
           CASE WHEN net->anonymizer IN ('TOR', 'VPN', 'PROXY', 'HOSTING') THEN 'hidden network' END,
           CASE WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(account_created_at) < 600000 THEN 'ordered right after signing up' END,
           CASE WHEN shipping_speed IN ('EXPRESS', 'SAME_DAY') AND is_first_order THEN 'first order, in a hurry' END,
           CASE WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_password_change_at) < 86400000 THEN 'password just changed' END,
           CASE WHEN UNIX_TIMESTAMP(event_time) - UNIX_TIMESTAMP(last_address_change_at) < 86400000 THEN 'address just changed' END],
           reason => reason IS NOT NULL) AS reasons
  FROM orders
  WHERE event_type IN ('ORDER_PLACED', 'ORDER_CANCELLED', 'ORDER_REFUNDED')
  EMIT CHANGES;

-- Orders that somebody should look at before they are sent, with the reasons; once each, however often they are told again.
CREATE STREAM suspicious_orders AS
  SELECT customer_key, order_id, total, currency,
         COALESCE(given_band, 'REVIEW') AS band,
         CASE WHEN given_band IS NULL THEN 1e0 / (1e0 + EXP(-log_odds)) END AS probability,
         CASE WHEN given_band IS NULL THEN reasons ELSE given_reasons END AS reasons
  FROM scored_orders
  WHERE event_type = 'ORDER_PLACED' AND (given_band IN ('REVIEW', 'STEP_UP') OR (given_band IS NULL AND log_odds >= -2.5e0))
  DEDUPLICATE BY order_id WITHIN 24 HOURS
  EMIT CHANGES;
