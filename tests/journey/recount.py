"""The shop's jobs (queries/shop) counted anew from rows: plainly, with none of the program's windows, sketches or states.

Rows come as lists by partition, in the order they lie there; a row is late when its partition had gone on too far before it.
For the journeys beside it.
"""
import collections, json, math
from decimal import Decimal

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

# What each topic's rows must have beside PART, OFF and T.
VISITS = "VISITOR_KEY, EVENT_ID, EVENT_TYPE, VISITOR_ID, ITEMS, DEVICE->TYPE AS DEVICE, BOT_SCORE"
ORDERS = ("CUSTOMER_KEY, EVENT_ID, EVENT_TYPE, ORDER_ID, CUSTOMER_ID, CURRENCY, TOTAL, ITEMS, PAYMENT->CARD_FINGERPRINT AS CARD, "
          "RISK->BAND AS BAND, RISK->REASONS AS REASONS, PAYMENT->AVS_RESULT AS AVS, PAYMENT->CVV_RESULT AS CVV, PAYMENT->ISSUER_COUNTRY AS ISSUER, "
          "BILLING->COUNTRY AS BILLED, SHIPPING->COUNTRY AS SENT, NET->COUNTRY AS NET, NET->ANONYMIZER AS HIDDEN, SHIPPING_SPEED AS SPEED, "
          "IS_FIRST_ORDER AS FIRST_ONE, IS_GIFT AS GIFT, UNIX_TIMESTAMP(ACCOUNT_CREATED_AT) AS SIGNED_UP, "
          "UNIX_TIMESTAMP(LAST_PASSWORD_CHANGE_AT) AS PASSWORD_AT, UNIX_TIMESTAMP(LAST_ADDRESS_CHANGE_AT) AS ADDRESS_AT")
STOCK = "PRODUCT_KEY, EVENT_ID, EVENT_TYPE, PRODUCT_ID, LOCATION_ID, AVAILABLE, REORDER_POINT, DELTA, ON_HAND"
ATTEMPTS = "CARD, EVENT_ID, CUSTOMER_ID, TOTAL"


def in_order(select, stream, columns):
    """The rows of a stream by partition, in the order they lie there. `select`: runs a statement and answers its rows."""
    rows = select(f"SELECT ROWPARTITION AS PART, ROWOFFSET AS OFF, ROWTIME AS T, {columns} FROM {stream};")
    parts = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["PART"], row["OFF"])):
        parts[row["PART"]].append(row)
    return list(parts.values())


def with_progress(parts, passes=lambda row: True):
    """Each row that passes, with the greatest time among those of its partition up to it."""
    for rows in parts:
        reached = -math.inf
        for row in rows:
            if passes(row):
                reached = max(reached, row["T"])
                yield row, reached


def exploded(parts):
    return [[dict(row, ITEM=item) for row in rows for item in row["ITEMS"] or []] for rows in parts]


def deduplicated(parts, passes, key, within):
    """Of rows that pass and are equal by key the first, and the next one that lies further away than `within`."""
    kept = []
    for rows in parts:
        reached, last = -math.inf, {}
        kept.append([])
        for row in rows:
            if not passes(row):
                continue
            reached = max(reached, row["T"])
            known = last.get(key(row), -math.inf)
            if known > reached - within:
                if abs(row["T"] - known) < within:
                    continue
                last[key(row)] = max(known, row["T"])
            else:
                last[key(row)] = row["T"]
            kept[-1].append(row)
    return kept


MAY_BE_GONE = {}  # by table: windows up to this start may be dropped already, or soon


def windows(pairs, size, advance, grace, kept=(None, DAY), partitions=4):
    """(row, start) for each window that holds the row and was open for it. `kept`: by which table, and for how long: when all
    partitions are past that, it goes with one of the next commits."""
    pairs = list(pairs)
    progress = {row["PART"]: reached for row, reached in pairs}
    table, retention = kept
    MAY_BE_GONE[table] = min(progress.values()) - retention if len(progress) == partitions else -math.inf
    for row, reached in pairs:
        start = row["T"] // advance * advance
        while start > row["T"] - size:
            if start + size + grace > reached:
                yield row, start
            start -= advance


def grouped(rows, key):
    groups = collections.defaultdict(list)
    for row in rows:
        if None not in (key(row) if isinstance(key(row), tuple) else (key(row),)):
            groups[key(row)].append(row)
    return groups


def total(values):
    return sum((v for v in values if v is not None), Decimal(0))


def distinct(values):
    return len({v for v in values if v is not None})


def counted(values):
    """As COUNT_DISTINCT counts: exact up to 1,024, then with a deviation of 0.8 %."""
    number = distinct(values)
    return number if number <= 1024 else About(number, 0.04)


def quantile(values, share):
    values = sorted(v for v in values if v is not None)
    return values[math.floor(share * (len(values) - 1))] if values else None


def sliding(pairs, key, size, grace, partitions=4):
    """By group the rows in the time before its newest row; without groups that no row in time can reach any more."""
    pairs = list(pairs)
    progress = {}
    for row, reached in pairs:
        progress[row["PART"]] = reached
    groups = grouped([row for row, reached in pairs if row["T"] >= reached - grace], key)
    found = {}
    for name, rows in groups.items():
        newest = max(row["T"] for row in rows)
        if len(progress) == partitions and newest + size + grace <= min(progress.values()):
            continue
        found[name] = [row for row in rows if row["T"] > newest - size]
    return found


class Edge:
    """ON ENTER: true now, and false (or clear) and quiet before."""
    def __init__(self, cooldown):
        self.cooldown, self.armed, self.last = cooldown, True, -math.inf

    def enters(self, now, entered, cleared):
        if entered and self.armed and now >= self.last + self.cooldown:
            self.armed, self.last = False, now
            return True
        if not entered and cleared:
            self.armed = True
        return False


def best_tries(events, within):
    """(step, entry, waited) for each step a try takes. `events`: (time, step, ...) of one person, in order."""
    taken = []
    reached = []  # (step, entry event, time), in the order they came about
    for event in events:
        now, step = event[0], event[1]
        if step == 1:
            if not any(s == 1 and entry[0] == now for s, entry, _ in reached):
                taken.append((1, event, None))
                reached.append((1, event, now))
            continue
        before = [(entry, at) for s, entry, at in reached if s == step - 1]
        if not before:
            continue
        entry, at = before[-1]
        so_far = [e for s, e, _ in reached if s == step]
        if now - entry[0] <= within and not (so_far and so_far[-1] == entry):
            taken.append((step, entry, now - at))
            reached.append((step, entry, now))
    return taken


STEPS = {"PRODUCT_VIEWED": 1, "PRODUCT_ADDED": 2, "CHECKOUT_STARTED": 3, "ORDER_COMPLETED": 4}


def judged(r):
    """(log-odds, reasons) of an order by itself."""
    differ = lambda a, b: a is not None and b is not None and a != b
    within = lambda at, ms: at is not None and r["T"] - at < ms
    said = []
    if r["AVS"] == "NO_MATCH":
        said.append((1.0, "the address is not the card's"))
    if r["CVV"] == "NO_MATCH":
        said.append((1.5, "wrong check number"))
    if differ(r["ISSUER"], r["BILLED"]) and differ(r["ISSUER"], r["NET"]):
        said.append((0.9, "card of another country"))
    if differ(r["BILLED"], r["SENT"]) and not r["GIFT"]:
        said.append((0.7, "sent to another country"))
    if r["HIDDEN"] in ("TOR", "VPN", "PROXY", "HOSTING"):
        said.append((1.6 if r["HIDDEN"] == "TOR" else 0.9, "hidden network"))
    if within(r["SIGNED_UP"], 10 * MINUTE):
        said.append((2.0 if within(r["SIGNED_UP"], MINUTE) else 0.6, "ordered right after signing up"))
    if r["SPEED"] in ("EXPRESS", "SAME_DAY") and r["FIRST_ONE"]:
        said.append((0.5, "first order, in a hurry"))
    changed = [(within(r["PASSWORD_AT"], DAY), "password just changed"), (within(r["ADDRESS_AT"], DAY), "address just changed")]
    weight = {0: 0, 1: 1.5, 2: 2.5}[sum(one for one, _ in changed)]
    return sum(w for w, _ in said) + weight - 4.95, [text for _, text in said] + [text for one, text in changed if one]


def reviewed(r):
    if r["EVENT_TYPE"] != "ORDER_PLACED":
        return False
    return r["BAND"] in ("REVIEW", "STEP_UP") if r["BAND"] is not None else judged(r)[0] > -2.5 - 1e-9


def revenue(orders):
    """From the orders by partition."""
    results = {}
    of_type = lambda *types: lambda row: row["EVENT_TYPE"] in types
    lines = [[row for row in rows if row["EVENT_TYPE"] == "ORDER_PLACED"] for rows in exploded(orders)]
    results["ORDER_LINES"] = (None, [{"CUSTOMER_KEY": r["CUSTOMER_KEY"], "ORDER_ID": r["ORDER_ID"], "PRODUCT": r["ITEM"]["PRODUCT_ID"]}
                                     for rows in lines for r in rows])
    by_minute = grouped([(r["ITEM"]["CATEGORY"], start, r["ITEM"]) for r, start in windows(with_progress(lines), MINUTE, MINUTE, 10 * MINUTE)],
                        lambda r: r[:2])
    results["REVENUE_BY_CATEGORY"] = (("CATEGORY", "WINDOWSTART"), {
        key: {"LINE_COUNT": len(rows), "UNITS": sum(r[2]["QUANTITY"] for r in rows), "REVENUE": total(r[2]["LINE_TOTAL"] for r in rows)}
        for key, rows in by_minute.items()})
    once = deduplicated(orders, of_type("ORDER_PLACED", "ORDER_CANCELLED", "ORDER_REFUNDED"),
                        lambda r: (r["ORDER_ID"], "placed" if r["EVENT_TYPE"] == "ORDER_PLACED" else r["EVENT_ID"]), 6 * HOUR)
    results["REVENUE_NET"] = (("CATEGORY",), {
        (category,): {"LINE_COUNT": sum(r["EVENT_TYPE"] == "ORDER_PLACED" for r in found),
                      "BOOKED": total(r["ITEM"]["LINE_TOTAL"] for r in found if r["EVENT_TYPE"] == "ORDER_PLACED"),
                      "NET": total(r["ITEM"]["LINE_TOTAL"] if r["EVENT_TYPE"] == "ORDER_PLACED" else -(r["ITEM"]["LINE_TOTAL"] or 0) for r in found)}
        for category, found in grouped([r for rows in exploded(once) for r in rows], lambda r: r["ITEM"]["CATEGORY"]).items()})
    flow = grouped([(r["ITEM"]["CATEGORY"], r["CURRENCY"], start, r) for r, start in windows(with_progress(exploded(once)), MINUTE, MINUTE, 10 * MINUTE)],
                   lambda r: r[:3])
    results["REVENUE_FLOW"] = (("CATEGORY", "CURRENCY", "WINDOWSTART"), {
        key: {"BOOKED": total(r[3]["ITEM"]["LINE_TOTAL"] for r in rows if r[3]["EVENT_TYPE"] == "ORDER_PLACED"),
              "TAKEN_BACK": total(r[3]["ITEM"]["LINE_TOTAL"] for r in rows if r[3]["EVENT_TYPE"] != "ORDER_PLACED"),
              "AT_RISK": total(r[3]["ITEM"]["LINE_TOTAL"] for r in rows if reviewed(r[3]))} for key, rows in flow.items()})
    results["REVENUE_LAST_HOUR"] = (("CATEGORY",), {
        (category,): {"REVENUE": total(r["ITEM"]["LINE_TOTAL"] for r in rows), "ORDERS": distinct(r["ORDER_ID"] for r in rows),
                      "CUSTOMERS": distinct(r["CUSTOMER_ID"] for r in rows),
                      "USUAL_LINE": About(quantile([r["ITEM"]["LINE_TOTAL"] for r in rows], 0.5), 0.0101)}
        for category, rows in sliding(with_progress(lines), lambda r: r["ITEM"]["CATEGORY"], HOUR, 10 * MINUTE).items()})
    return results


def funnel(visits):
    """From the visits by partition."""
    results = {}
    of_type = lambda *types: lambda row: row["EVENT_TYPE"] in types
    hours = grouped([(r["EVENT_TYPE"], start, r) for r, start in windows(with_progress(visits, of_type(*STEPS)), HOUR, HOUR, 10 * MINUTE)],
                    lambda r: r[:2])
    results["FUNNEL_STEPS"] = (("EVENT_TYPE", "WINDOWSTART"), {
        key: {"EVENTS": len(rows), "VISITORS": counted(r[2]["VISITOR_ID"] for r in rows)} for key, rows in hours.items()})
    in_time = [r for r, reached in with_progress(visits) if r["EVENT_TYPE"] in STEPS and r["T"] >= reached - 10 * MINUTE]
    cells = collections.defaultdict(list)
    for rows in grouped(in_time, lambda r: r["VISITOR_ID"]).values():
        events = {}
        for r in rows:  # the same step at the same time is one event
            events.setdefault((r["T"], STEPS[r["EVENT_TYPE"]]), r["DEVICE"] or "UNKNOWN")
        for step, entry, waited in best_tries([(*event, device) for event, device in sorted(events.items())], 30 * MINUTE):
            cells[entry[2], entry[0] // (5 * MINUTE) * 5 * MINUTE].append((step, waited))
    results["CHECKOUT_FUNNEL"] = (("DEVICE_TYPE", "WINDOWSTART"), {
        key: {f"S{n}": sum(step == n for step, _ in taken) for n in (1, 2, 3, 4)}
        | {f"W{n}": About(quantile([w for step, w in taken if step == n], 0.9), 0.0101, 1) for n in (2, 3, 4)} for key, taken in cells.items()})
    return results


def fraud(orders, attempts):
    """From the orders by partition, and from PAYMENT_ATTEMPTS, in whose order a card's attempts are judged."""
    results = {}
    paid = lambda r: r["EVENT_TYPE"] == "PAYMENT_ATTEMPTED" and r["CARD"] is not None
    bursts = grouped([(r["CARD"], start, r) for r, start in windows(with_progress(orders, paid), 5 * MINUTE, 5 * MINUTE, 10 * MINUTE, ("CARD_BURSTS", 2 * HOUR))], lambda r: r[:2])
    results["CARD_BURSTS"] = (("CARD", "WINDOWSTART"), {
        key: {"ATTEMPTS": len(rows), "ACCOUNTS": distinct(r[2]["CUSTOMER_ID"] for r in rows), "AMOUNT": total(r[2]["TOTAL"] for r in rows)}
        for key, rows in bursts.items() if len(rows) >= 4})
    results["PAYMENT_ATTEMPTS"] = (None, [{c: r[c] for c in ("CARD", "EVENT_ID", "CUSTOMER_ID", "TOTAL")} for rows in orders for r in rows if paid(r)])
    results["CARD_VELOCITY"] = (("CARD",), {
        (card,): {"ATTEMPTS": distinct(r["EVENT_ID"] for r in rows), "ACCOUNTS": distinct(r["CUSTOMER_ID"] for r in rows),
                  "GREATEST": max(r["TOTAL"] for r in rows)}
        for card, rows in sliding(with_progress(attempts), lambda r: r["CARD"], 10 * MINUTE, 10 * MINUTE).items()})
    alerts, seen, edges = [], collections.defaultdict(list), {}
    for row, reached in with_progress(attempts):
        if row["T"] < reached - 10 * MINUTE:
            continue
        seen[row["CARD"]].append(row)
        newest = max(r["T"] for r in seen[row["CARD"]])
        window = [r for r in seen[row["CARD"]] if r["T"] > newest - 10 * MINUTE]
        tries = distinct(r["EVENT_ID"] for r in window)
        if edges.setdefault(row["CARD"], Edge(30 * MINUTE)).enters(newest, tries >= 4, tries < 2):
            alerts.append({"CARD": row["CARD"], "ATTEMPTS": tries, "ACCOUNTS": distinct(r["CUSTOMER_ID"] for r in window)})
    results["CARD_ALERTS"] = (None, alerts)
    results["SUSPICIOUS_ORDERS"] = (None, [
        {c: r[c] for c in ("CUSTOMER_KEY", "ORDER_ID", "TOTAL", "CURRENCY")}
        | ({"BAND": r["BAND"], "REASONS": r["REASONS"], "PER_MILLE": None} if r["BAND"] is not None else
           {"BAND": "REVIEW", "REASONS": judged(r)[1], "PER_MILLE": math.floor(1000 / (1 + math.exp(-judged(r)[0])) + 0.25)})
        for rows in deduplicated(orders, reviewed, lambda r: r["ORDER_ID"], DAY) for r in rows])
    return results


def demand_of(rows):
    """What a place's movements say of its sales."""
    last = lambda column: next((r[column] for r in reversed(rows) if r[column] is not None), None)
    begin, end = min(r["T"] for r in rows), max(r["T"] for r in rows)
    decayed = lambda number, days: sum(number(r) * 0.5 ** ((end - r["T"]) / (days * DAY)) for r in rows)
    units = lambda r: -r["DELTA"] if r["EVENT_TYPE"] == "SALE" else 0
    before = [r["ON_HAND"] - r["DELTA"] for r in rows if r["ON_HAND"] is not None]

    def turn(r):
        """1: there are goods again; -1: the last ones went."""
        if r["ON_HAND"] is None:
            return 0
        return (r["ON_HAND"] > 0) - (r["ON_HAND"] - r["DELTA"] > 0)

    # The days with goods, each weighing like what is sold in it: the weight's integral over all time, less that before the first
    # movement and that of the times without goods.
    days = 14 / math.log(2) * ((1 if last("ON_HAND") is None or last("ON_HAND") > 0 else 0) - decayed(turn, 14)
                               - (0 if before and before[0] <= 0 else 1) * 0.5 ** ((end - begin) / (14 * DAY)))
    return {"AVAILABLE": last("AVAILABLE"), "SOLD": decayed(units, 14), "SOLD_SQUARED": decayed(lambda r: units(r) ** 2, 14),
            "CHANCE": decayed(lambda r: units(r) ** 2, 7), "DAYS": max(1e-6, days)}


def cover_of(demand):
    """How long stock lasts: in the middle, and with 80 % at least."""
    there, sold = demand["AVAILABLE"], demand["SOLD"]
    rate = sold / demand["DAYS"]
    if sold <= 0 or there is None:
        return {"UNITS_A_DAY": rate, "COVER_DAYS": None, "COVER_DAYS_80": None if sold <= 0 else 21}
    # So many units that those there exceed them by z of their deviations: (there - units)^2 = z^2 (spread units + doubt units^2).
    z, spread, doubt = 0.708, demand["SOLD_SQUARED"] / sold, demand["CHANCE"] / sold ** 2 + 0.16
    half = 2 * there + z * spread
    units = 2 * there ** 2 / (half + math.sqrt(half ** 2 - 4 * (1 - z * doubt) * there ** 2))
    return {"UNITS_A_DAY": rate, "COVER_DAYS": there / rate, "COVER_DAYS_80": min(21, units / rate)}



def inventory(stock):
    """From the movements by partition."""
    results = {}
    latest, newest, alerts, edges = collections.defaultdict(dict), collections.defaultdict(int), [], {}
    for r in (r for rows in stock for r in rows):
        place = (r["PRODUCT_ID"], r["LOCATION_ID"])
        latest[place].update({c: r[c] for c in ("AVAILABLE", "REORDER_POINT") if r[c] is not None})
        newest[place] = max(newest[place], r["T"])
        there, line = latest[place].get("AVAILABLE"), latest[place].get("REORDER_POINT")
        known = there is not None and line is not None
        if edges.setdefault(place, Edge(6 * HOUR)).enters(newest[place], known and there <= line, known and there * 10 > line * 12):
            alerts.append({"PRODUCT_ID": place[0], "LOCATION_ID": place[1], "AVAILABLE": there, "REORDER_POINT": line})
    results["STOCK_ALERTS"] = (None, alerts)
    results["STOCK"] = (("PRODUCT_ID", "LOCATION_ID"), {place: {c: known.get(c) for c in ("AVAILABLE", "REORDER_POINT")} for place, known in latest.items()})
    results["LOW_STOCK"] = (None, [{c: r[c] for c in ("PRODUCT_KEY", "LOCATION_ID", "AVAILABLE", "REORDER_POINT")} for rows in stock for r in rows
                                   if None not in (r["AVAILABLE"], r["REORDER_POINT"]) and r["AVAILABLE"] <= r["REORDER_POINT"]])
    once = deduplicated(stock, lambda r: True, lambda r: r["EVENT_ID"], 6 * HOUR)
    demands = {place: demand_of(rows) for place, rows in grouped([r for rows in once for r in rows], lambda r: (r["PRODUCT_ID"], r["LOCATION_ID"])).items()}
    near = lambda value, demand: About(value, 1e-9 + 1e-10 / demand["DAYS"])
    results["STOCK_DEMAND"] = (("PRODUCT_ID", "LOCATION_ID"), {
        place: {name: value if name == "AVAILABLE" else About(value, 1e-9, 1e-9) for name, value in demand.items()} for place, demand in demands.items()})
    results["STOCK_COVER"] = (("PRODUCT_ID", "LOCATION_ID"), {
        place: {"AVAILABLE": demand["AVAILABLE"]} | {name: near(value, demand) for name, value in cover_of(demand).items()}
        for place, demand in demands.items()})
    return results


def popular(visits):
    """From the visits by partition."""
    results = {}
    of_type = lambda *types: lambda row: row["EVENT_TYPE"] in types
    views = grouped([(r["ITEMS"][0]["PRODUCT_ID"], start, r) for r, start in
                     windows(with_progress(visits, of_type("PRODUCT_VIEWED")), HOUR, 10 * MINUTE, 10 * MINUTE, ("PRODUCT_VIEWS", 2 * HOUR))], lambda r: r[:2])
    results["PRODUCT_VIEWS"] = (("PRODUCT_ID", "WINDOWSTART"), {key: {"VIEWS": len(rows)} for key, rows in views.items()})
    worth = {"PRODUCT_VIEWED": 1, "PRODUCT_ADDED": 3, "ORDER_COMPLETED": 6}
    human = deduplicated(exploded(visits), lambda r: r["EVENT_TYPE"] in worth and (r["BOT_SCORE"] or 0) < 0.5,
                         lambda r: (r["VISITOR_ID"], r["ITEM"]["PRODUCT_ID"], r["EVENT_TYPE"]), 30 * MINUTE)
    interest = [{"VISITOR_KEY": r["VISITOR_KEY"], "CATEGORY": r["ITEM"]["CATEGORY"], "PRODUCT_ID": r["ITEM"]["PRODUCT_ID"],
                 "WEIGHT": worth[r["EVENT_TYPE"]], "T": r["T"]} for rows in human for r in rows]
    results["PRODUCT_INTEREST"] = (None, [{c: r[c] for c in r if c != "T"} for r in interest])
    popular = {}
    for category, found in grouped(interest, lambda r: r["CATEGORY"]).items():
        last = max(r["T"] for r in found)
        wanted, trending = collections.defaultdict(int), collections.defaultdict(float)
        for r in found:
            wanted[r["PRODUCT_ID"]] += r["WEIGHT"]
            trending[r["PRODUCT_ID"]] += r["WEIGHT"] * 0.5 ** ((last - r["T"]) / (2 * HOUR))
        popular[category,] = {"WANTED": sorted(({"ITEM": p, "WEIGHT": w} for p, w in wanted.items()), key=lambda e: (-e["WEIGHT"], e["ITEM"]))[:20],
                              "TRENDING": Ranking(trending)}
    results["POPULAR_ITEMS"] = (("CATEGORY",), popular)
    return results


def recount(visits, orders, stock, attempts):
    """name -> (columns of the key, {key: {column: value}}) of tables, (None, [rows]) of streams."""
    return revenue(orders) | funnel(visits) | fraud(orders, attempts) | inventory(stock) | popular(visits)


class About:
    """A number within a share of it (and so much more)."""
    def __init__(self, value, share, more=0):
        self.value, self.share, self.more = value, share, more

    def __eq__(self, other):
        if self.value is None or other is None:
            return self.value is None and other is None
        return abs(float(other) - float(self.value)) <= abs(float(self.value)) * self.share + self.more + 1e-12

    def __repr__(self):
        return f"about {self.value}"


class Ranking:
    """Items with weights, heaviest first."""
    def __init__(self, weights):
        self.weights = weights

    def __eq__(self, other):
        shown = [float(e["WEIGHT"]) for e in other]
        return (len(other) == min(20, len(self.weights)) == len({e["ITEM"] for e in other}) and shown == sorted(shown, reverse=True)
                and all(About(self.weights[e["ITEM"]], 1e-9) == e["WEIGHT"] for e in other))

    def __repr__(self):
        return f"ranking of {sorted(self.weights.items(), key=lambda e: -e[1])[:5]} ..."


COLUMNS = {"ORDER_LINES": "CUSTOMER_KEY, ORDER_ID, LINE->PRODUCT_ID AS PRODUCT",
           "SUSPICIOUS_ORDERS": "CUSTOMER_KEY, ORDER_ID, TOTAL, CURRENCY, BAND, REASONS, CAST(FLOOR(PROBABILITY * 1000 + 0.25e0) AS BIGINT) AS PER_MILLE",
           "CHECKOUT_FUNNEL": "DEVICE_TYPE, WINDOWSTART, " + ", ".join(f"F[{n}]->ENTERED AS S{n}" for n in (1, 2, 3, 4)) + ", "
                              + ", ".join(f"F[{n}]->P90_MS AS W{n}" for n in (2, 3, 4))}


def wrong_figures(select, wanted, drops=True):
    """`drops`: there were events enough that old windows must have been dropped."""
    wrong = []
    for name, (keys, expected) in wanted.items():
        rows = select(f"SELECT {COLUMNS.get(name, '*')} FROM {name};")
        if keys is None:
            as_text = lambda row: json.dumps(row, sort_keys=True, default=str)
            columns = list(expected[0]) if expected else []
            found = collections.Counter(as_text({c: row[c] for c in columns}) for row in rows)
            want = collections.Counter(as_text(row) for row in expected)
            wrong += [f"{name}: {n} times not there: {row}" for row, n in (want - found).items()]
            wrong += [f"{name}: {n} times too often: {row}" for row, n in (found - want).items()]
            continue
        found = {tuple(row[key] for key in keys): row for row in rows}
        if name in MAY_BE_GONE:
            old = {key for key in expected if key not in found and key[1] <= MAY_BE_GONE[name]}
            expected = {key: row for key, row in expected.items() if key not in old}
            if not old and drops:
                wrong.append(f"{name} dropped no window: the test shows less than it should")
        wrong += [f"{name}{list(key)}: not there" for key in expected if key not in found]
        wrong += [f"{name}{list(key)}: there and not wanted" for key in found if key not in expected]
        for key, row in expected.items():
            wrong += [f"{name}{list(key)}.{column}: {found[key][column]} instead of {value!r}"
                      for column, value in row.items() if key in found and value != found[key][column]]
    return wrong
