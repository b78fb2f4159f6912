-- Tells once that a product runs low at a place, and again only after it was restocked by a fifth above the line, six
-- hours later at the earliest.
CREATE STREAM stock_alerts WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         LATEST_BY_OFFSET(available) AS available,
         LATEST_BY_OFFSET(reorder_point) AS reorder_point
  FROM inventory
  GROUP BY product_id, location_id
  ON ENTER (available <= reorder_point, CLEAR available * 10 > reorder_point * 12, COOLDOWN 6 HOURS)
  EMIT CHANGES;

-- What each product has sold at each place, where older days weigh less (half after two weeks): units, their squares, and the
-- days in which there was something to sell, weighed alike, so that a time without goods does not look like one without buyers.
-- A doubled event counts once.
CREATE TABLE stock_demand WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         LATEST_BY_OFFSET(available) AS available,
         DECAY_SUM(CASE WHEN event_type = 'SALE' THEN -delta ELSE 0 END, '14 DAYS') AS sold,
         DECAY_SUM(CASE WHEN event_type = 'SALE' THEN delta * delta ELSE 0 END, '14 DAYS') AS sold_squared,
         DECAY_SUM(CASE WHEN event_type = 'SALE' THEN delta * delta ELSE 0 END, '7 DAYS') AS chance,
         GREATEST(1e-6, 14 / LN(2) * (
           CASE WHEN LATEST_BY_OFFSET(on_hand) <= 0 THEN 0 ELSE 1 END
           - DECAY_SUM(CASE WHEN on_hand <= 0 AND on_hand > delta THEN -1 WHEN on_hand > 0 AND on_hand <= delta THEN 1 ELSE 0 END,
                       '14 DAYS')
           - CASE WHEN EARLIEST_BY_OFFSET(on_hand - delta) <= 0 THEN 0 ELSE 1 END
             * POWER(2, (MIN(UNIX_TIMESTAMP(event_time)) - MAX(UNIX_TIMESTAMP(event_time))) / 1209600000e0))) AS days
  FROM inventory
  DEDUPLICATE BY event_id WITHIN 6 HOURS
  GROUP BY product_id, location_id
  EMIT CHANGES;

-- How long what is there lasts without a delivery, counted from any moment until the next movement: cover_days in the middle, and
-- with 80 % at least cover_days_80: until then one must have ordered. That is never more than three weeks, since the past says too
-- little of what comes later. Orders come by chance (sold_squared, chance), and demand may be two fifths higher or lower than it was
-- (0.16): weekdays, campaigns. 0.708 is the square of the normal distribution's 80 % point. Null: nothing was sold yet.
CREATE TABLE stock_cover WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         available,
         CASE WHEN sold > 0 THEN sold / days ELSE 0e0 END AS units_a_day,
         CASE WHEN sold > 0 THEN available * days / sold END AS cover_days,
         CASE WHEN sold > 0 THEN LEAST(21e0, 2 * available * available * days / sold
           / (2 * available + 0.708e0 * sold_squared / sold
              + SQRT(POWER(2 * available + 0.708e0 * sold_squared / sold, 2)
                     - 4 * (1 - 0.708e0 * (chance / (sold * sold) + 0.16e0)) * available * available))) END AS cover_days_80
  FROM stock_demand
  EMIT CHANGES;
