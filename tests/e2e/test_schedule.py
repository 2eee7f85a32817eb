"""When a run is due. The judge of the slots is a model of its own, made of Python's calendar and zoneinfo, that looks
at each day as a person would."""

import calendar
import datetime
import random
import signal
import subprocess
import zoneinfo

import pytest
from world import World

UTC = datetime.timezone.utc
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns",
    "Africa/Cairo", "America/Havana"]


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield World(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def slots(build_dir):
    """slots([(seconds, zone, expression)]) gives a line for each."""
    def ask(rows):
        text = "".join(f"{at} {zone} {expression}\n" for at, zone, expression in rows)
        done = subprocess.run([str(build_dir / "tools" / "agent_schedule")], input=text, capture_output=True, text=True,
            timeout=300, env={"PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()
    return ask


# the model

def number(text, names, base):
    return int(text) if text.isdigit() else names.index(text) + base


def numbers(field, low, high, names=()):
    found = set()
    for part in field.split(","):
        body, _, step = part.partition("/")
        if body == "*":
            first, last = low, high
        elif "-" in body:
            first, last = (number(one, names, low) for one in body.split("-"))
        else:
            first = number(body, names, low)
            last = high if step else first
        found |= set(range(first, last + 1, int(step or 1)))
    return found


def weekday(day):
    return day.isoweekday() % 7 + 1


def on_day(day, dom, dow):
    last = calendar.monthrange(day.year, day.month)[1]
    if dom == "?":
        for part in dow.split(","):
            if "#" in part:
                wanted, nth = part.split("#")
                if weekday(day) == number(wanted, DAYS, 1) and (day.day + 6) // 7 == int(nth):
                    return True
            elif part == "L":
                if weekday(day) == 7:
                    return True
            elif part.endswith("L"):
                if weekday(day) == number(part[:-1], DAYS, 1) and day.day > last - 7:
                    return True
            elif weekday(day) in numbers(part, 1, 7, DAYS):
                return True
        return False
    for part in dom.split(","):
        if part == "L":
            if day.day == last:
                return True
        elif part.endswith("W"):
            wanted = int(part[:-1])
            if wanted <= last:
                near = [one for one in range(1, last + 1) if day.replace(day=one).isoweekday() < 6]
                # the nearest; a Saturday goes back, a Sunday goes on
                target = day.replace(day=wanted)
                key = (lambda one: (abs(one - wanted), one)) if target.isoweekday() == 6 else (
                    lambda one: (abs(one - wanted), -one))
                if day.day == min(near, key=key):
                    return True
        elif day.day in numbers(part, 1, 31):
            return True
    return False


def instant(local, zone):
    """Of a local time: the first where there are two, the change of the clocks where there is none."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == local:
        return at
    minute = datetime.timedelta(minutes=1)
    at -= datetime.timedelta(hours=4)
    while at.astimezone(zone).replace(tzinfo=None) < local:
        at += minute
    return at


class Model:
    def __init__(self, expression, zone):
        self.minute, self.hour, self.dom, self.month, self.dow, self.year = expression[5:-1].split()
        self.times = [(hour, minute) for hour in sorted(numbers(self.hour, 0, 23))
            for minute in sorted(numbers(self.minute, 0, 59))]
        self.months = numbers(self.month, 1, 12, MONTHS)
        self.years = numbers(self.year, 1970, 2199)
        self.zone = zoneinfo.ZoneInfo(zone)

    def of_day(self, day):
        if day.year in self.years and day.month in self.months and on_day(day, self.dom, self.dow):
            return [instant(datetime.datetime(day.year, day.month, day.day, *time), self.zone) for time in self.times]
        return []

    def near(self, at, days, wanted, best):
        day = datetime.datetime.fromtimestamp(at, self.zone).date()
        for offset in days:
            found = [slot for slot in (slot.timestamp() for slot in
                self.of_day(day + datetime.timedelta(days=offset))) if wanted(slot)]
            if found:
                return str(int(best(found)))
        return None


SPAN = 800  # days that the model looks at on each side


def check(rows, answers):
    for (at, zone, expression), answer in zip(rows, answers, strict=True):
        model = Model(expression, zone)
        next_, latest = answer.split()
        expected = model.near(at, range(0, SPAN), lambda slot: slot > at, min)
        beyond = datetime.datetime.fromtimestamp(at, UTC) + datetime.timedelta(days=SPAN - 2)
        if expected is None:
            assert next_ == "-" or int(next_) >= beyond.timestamp(), (at, zone, expression, answer)
        else:
            assert next_ == expected, (at, zone, expression, answer, expected)
        expected = model.near(at, range(1, -SPAN, -1), lambda slot: slot <= at, max)
        if expected is None:
            assert latest == "-" or int(latest) <= at - (SPAN - 2) * 86400, (at, zone, expression, answer)
        else:
            assert latest == expected, (at, zone, expression, answer, expected)


def some(rng, low, high, names=()):
    def one():
        value = rng.randint(low, high)
        return names[value - low] if names and rng.random() < 0.5 else str(value)

    shape = rng.randrange(6)
    if shape == 0:
        return "*"
    if shape == 1:
        return f"{rng.choice(['*', one()])}/{rng.randint(1, max(2, (high - low) // 2))}"
    if shape == 2:
        first, last = sorted(rng.sample(range(low, high + 1), 2))
        return f"{first}-{last}"
    return ",".join(one() for _ in range(rng.randint(1, 3)))


def expression(rng):
    minute = rng.choice([str(rng.randrange(60)), "0", "*/15", "30,45"])
    dom, dow = "?", "?"
    if rng.random() < 0.5:
        dom = rng.choice([some(rng, 1, 31), "L", f"{rng.randint(1, 31)}W", f"{rng.randint(1, 28)},L", "*"])
    else:
        dow = rng.choice([some(rng, 1, 7, DAYS), f"{rng.randint(1, 7)}L", f"{rng.choice(DAYS)}#{rng.randint(1, 5)}",
            "L", "MON-FRI", "*"])
    year = rng.choice(["*", "*", "*", "*/2", "2026-2030", "2028"])
    return f"cron({minute} {some(rng, 0, 23)} {dom} {some(rng, 1, 12, MONTHS)} {dow} {year})"


@pytest.mark.s3sim
def test_slots_agree_with_an_independent_model(slots):
    rng = random.Random(20261121)
    rows = []
    for _ in range(10000):
        zone = rng.choice(ZONES)
        at = int(datetime.datetime(2025, 1, 1, tzinfo=UTC).timestamp()) + rng.randrange(6 * 365 * 86400)
        rows.append((at, zone, expression(rng)))
    check(rows, slots(rows))


CHANGES = [
    # clocks go on from 2:00 to 3:00: the slot counts at the change
    ("Europe/Berlin", "2026-03-29T00:00:00Z", "cron(30 2 * * ? *)", "2026-03-29T01:00:00Z"),
    # and back from 3:00 to 2:00: the first of the two
    ("Europe/Berlin", "2026-10-24T12:00:00Z", "cron(30 2 * * ? *)", "2026-10-25T00:30:00Z"),
    ("Europe/Berlin", "2026-10-25T00:30:00Z", "cron(30 2 * * ? *)", "2026-10-26T01:30:00Z"),
    # half an hour, and at midnight
    ("Australia/Lord_Howe", "2026-10-03T12:00:00Z", "cron(15 2 * * ? *)", "2026-10-03T15:30:00Z"),
    ("Africa/Cairo", "2026-04-23T12:00:00Z", "cron(30 0 ? * FRI *)", "2026-04-23T22:00:00Z"),
    # EventBridge's own examples
    ("UTC", "2026-01-01T00:00:00Z", "cron(15 10 ? * 6L 2026-2030)", "2026-01-30T10:15:00Z"),
    ("UTC", "2026-01-01T00:00:00Z", "cron(0 9 ? * 2#1 *)", "2026-01-05T09:00:00Z"),
    ("UTC", "2026-01-31T10:00:00Z", "cron(0 8 1 * ? *)", "2026-02-01T08:00:00Z"),
    ("UTC", "2026-07-01T00:00:00Z", "cron(0 0 4W * ? *)", "2026-07-03T00:00:00Z"),
    ("UTC", "2026-01-31T12:00:00Z", "cron(0 0 1W * ? *)", "2026-02-02T00:00:00Z"),
    ("UTC", "2026-05-01T00:00:00Z", "cron(0 0 31W * ? *)", "2026-05-29T00:00:00Z"),
    ("UTC", "2026-01-01T00:00:00Z", "cron(0 0 29 2 ? *)", "2028-02-29T00:00:00Z"),
    ("UTC", "2026-01-01T00:00:00Z", "rate(12 hours)", "2026-01-01T12:00:00Z"),
]


@pytest.mark.s3sim
def test_slots_at_changes_of_clocks_and_of_the_documentations_examples(slots):
    def seconds(text):
        return int(datetime.datetime.fromisoformat(text).timestamp())

    answers = slots([(seconds(at), zone, text) for zone, at, text, _ in CHANGES])
    assert [int(answer.split()[0]) for answer in answers] == [seconds(row[3]) for row in CHANGES]


BAD = ["cron(0 3 * * * *)", "cron(0 3 ? * ? *)", "cron(60 3 * * ? *)", "cron(0 24 * * ? *)", "cron(0 3 0 * ? *)",
    "cron(0 3 32 * ? *)", "cron(0 3 * 13 ? *)", "cron(0 3 ? * 8 *)", "cron(0 3 * * ? 1969)", "cron(0 3 * * ? 2200)",
    "cron(0 3 LW * ? *)", "cron(0 3 ? * 3#1,6#3 *)", "cron(0 3 ? * 3#6 *)", "cron(5-1 3 * * ? *)",
    "cron(*/0 3 * * ? *)",
    "cron(0 3 * * ?)", "cron(0 3 * * ? * *)", "cron(0,, 3 * * ? *)", "cron(0 3 * FOO ? *)", "rate(0 minutes)",
    "rate(1 minutes)", "rate(2 hour)", "rate(5 weeks)", "at(2026-11-20T03:00:00)", "daily"]


@pytest.mark.s3sim
def test_what_is_no_schedule_is_refused(slots):
    for text, answer in zip(BAD, slots([(0, "UTC", text) for text in BAD]), strict=True):
        assert answer.startswith("error: "), (text, answer)


# run --due

YEARLY = "cron(0 0 1 1 ? *)"


def due(world, bucket, schedule, **more):
    return world.do("run", "--due", config=world.config(bucket, policy={"schedule": schedule} | more))["sources"][0]


def points(world, bucket):
    return [(version["Key"], version["VersionId"]) for version in world.vault.versions(f"points/{bucket}/")
        if version["Key"].endswith("/point.json")]


def test_run_due_serves_a_slot_once(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    assert due(world, bucket, YEARLY)["copied"] == 3
    world.fill(bucket, 5)
    before = world.vault.versions()
    report = due(world, bucket, YEARLY)
    assert (report["state"], report["exit"], report["listed"]) == ("skipped", 0, 0)
    assert report["requests"] == {"list": 1} | {kind: 0 for kind in report["requests"] if kind != "list"}
    assert world.vault.versions() == before
    assert world.run()["copied"] == 2  # without --due a run is a run
    assert due(world, bucket, "rate(1 day)")["state"] == "skipped"
    assert due(world, bucket, None)["state"] == "complete"  # no schedule of its own: whoever starts it decides


def test_slot_that_was_missed_is_due(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.clock(-366 * 86400)
    try:
        assert due(sim, bucket, None)["copied"] == 3
    finally:
        sim.clock(0)
    assert due(sim, bucket, YEARLY)["state"] == "complete"
    assert due(sim, bucket, YEARLY)["state"] == "skipped"


def test_slot_of_a_run_that_left_no_point_is_due(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    due(world, bucket, YEARLY)
    for key, version in points(world, bucket):
        world.owner.delete_object(Bucket=world.vault_bucket, Key=key, VersionId=version)
    assert due(world, bucket, YEARLY)["state"] == "complete"


def broken_off(sim, bucket, config, number):
    """A run that a signal ends in the middle of its copies."""
    sim.forget_counts()
    sim.latency(150, "CopyObject")
    child = sim.start("run", "--due", config=config)
    sim.wait_for(lambda: sim.counts()["CopyObject"] >= 5)
    child.send_signal(number)
    result = sim.finish(child)
    sim.latency(0)
    assert result.returncode == 6 and result.json["sources"][0]["state"] == "partial", result
    return result.json["sources"][0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_slot_of_a_run_that_a_signal_has_ended_is_due(sim, number):
    """A task that is stopped and started anew must not cost a night; no other request than a LIST tells."""
    bucket = sim.bucket()
    sim.fill(bucket, 120)
    config = sim.config(bucket, policy={"schedule": YEARLY})
    first = broken_off(sim, bucket, config, number)
    status = sim.do("status", config=config)["sources"][0]
    assert status["state"] == "partial" and status["next_due"] < status_time(first)
    second = broken_off(sim, bucket, config, number)
    third = due(sim, bucket, YEARLY)
    assert third["state"] == "complete"
    assert sum(report["copied"] + report["adopted"] for report in (first, second, third)) == 120
    report = due(sim, bucket, YEARLY)
    assert report["state"] == "skipped" and report["requests"]["list"] == sum(report["requests"].values()) == 1
    assert sim.do("status", config=config)["sources"][0]["next_due"] > status_time(third)
    sim.vault.check(bucket)
    assert sim.do("verify")["problems"] == []


def status_time(report):
    """When the point of a report began, as times are written."""
    return datetime.datetime.strptime(report["point"], "%Y%m%dT%H%M%SZ").strftime("%Y-%m-%dT%H:%M:%SZ")


def test_slot_of_a_run_that_its_window_has_ended_is_served(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 60)
    sim.latency(400, "CopyObject")
    report = sim.do("run", "--due", "--deadline", "1s", exit=6,
        config=sim.config(bucket, policy={"schedule": YEARLY}) | {"limits": {"workers": 4}})["sources"][0]
    sim.latency(0)
    assert report["state"] == "partial"
    assert due(sim, bucket, YEARLY)["state"] == "skipped"


def test_status_says_when_a_source_is_due_and_whether_it_is_late(world):
    bucket = world.bucket()
    world.fill(bucket, 1)
    config = world.config(bucket, policy={"schedule": "rate(7 days)", "start_window_minutes": 60})
    one = world.do("status", config=config)["sources"][0]
    assert (one["point"], one["overdue"]) == (None, False) and one["next_due"] is not None
    world.do("run", "--due", config=config)
    point = world.do("points", config=config)["points"][0]
    one = world.do("status", config=config)["sources"][0]
    started, next_ = (datetime.datetime.fromisoformat(text) for text in (point["started"], one["next_due"]))
    assert abs(next_ - started - datetime.timedelta(days=7)) < datetime.timedelta(seconds=1) and not one["overdue"]
    text = world.cli("status", config=config)
    assert f"due {one['next_due']}" in text.stdout
    assert world.do("status")["sources"][0]["next_due"] is None


def test_source_that_is_late_is_overdue(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 1)
    sim.clock(-2 * 86400)
    try:
        sim.run()
    finally:
        sim.clock(0)
    config = sim.config(bucket, policy={"schedule": "rate(1 day)"})
    assert sim.do("status", config=config)["sources"][0]["overdue"]
    assert "OVERDUE since" in sim.cli("status", config=config).stdout
