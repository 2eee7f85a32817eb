"""Which points stay. The judge is restic's forget as its own source tells it, written down here from scratch, and our
rules on top of it."""

import datetime
import json
import random
import subprocess

import pytest
from world import World

UTC = datetime.timezone.utc
RULES = {
    "last": None,
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: (at.year,),
}
WITHIN = {"last": "within"} | {name: f"within_{name}" for name in RULES if name != "last"}


@pytest.fixture
def retain(build_dir):
    def ask(cases):
        text = "".join(json.dumps(case) + "\n" for case in cases)
        done = subprocess.run([str(build_dir / "tools" / "agent_retain")], input=text, capture_output=True, text=True,
            timeout=300)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]
    return ask


def seconds(*date):
    return int(datetime.datetime(*date, tzinfo=UTC).timestamp())


def moment(point):
    return datetime.datetime.fromtimestamp(point["time"], UTC)


# the model

def add_date(at, years, months, days):
    """Go's AddDate: what is beyond a month's end runs over into the next."""
    month = at.year * 12 + at.month - 1 + years * 12 + months
    first = at.replace(year=month // 12, month=month % 12 + 1, day=1)
    return first + datetime.timedelta(days=at.day - 1 + days)


def length(text):
    found = dict.fromkeys("ymdh", 0)
    number = ""
    for letter in text:
        if letter.isdigit():
            number += letter
        else:
            found[letter], number = int(number), ""
    return found


def stand_ins(points, period):
    """Points that count: complete ones, and of a period without any the newest partial one whose listing ended."""
    for at, point in enumerate(points):
        if point["state"] == "complete":
            yield at
        elif period and point["state"] == "partial" and point["ended"]:
            here = [i for i, other in enumerate(points) if period(moment(other)) == period(moment(point))]
            partial = [i for i in here if points[i]["state"] == "partial" and points[i]["ended"]]
            if not any(points[i]["state"] == "complete" for i in here) and at == partial[-1]:
                yield at


def forget(points, keep):
    """{index of those that are kept}"""
    kept = set()
    complete = [i for i, point in enumerate(points) if point["state"] == "complete"]
    for name, period in RULES.items():
        there = list(stand_ins(points, period))
        number = keep.get(name, 0)
        count = float("inf") if number == -1 else number
        last = None
        for i in reversed(there):
            value = period(moment(points[i])) if period else i
            if count > 0 and (value != last or i == there[0]):
                kept.add(i)
                last = value
                count -= 1
        within = keep.get(WITHIN[name])
        if within and complete:
            span = length(within)
            after = add_date(moment(points[complete[-1]]), -span["y"], -span["m"], -span["d"])
            after -= datetime.timedelta(hours=span["h"])
            last = None
            for i in reversed(there):
                value = period(moment(points[i])) if period else i
                if moment(points[i]) > after and (value != last or i == there[0]):
                    kept.add(i)
                    last = value
    return kept


def model(case):
    points, policy = case["points"], case["policy"]
    kept = forget(points, policy["keep"]) if "keep" in policy else set(range(len(points)))
    bound = policy.get("delete_after_days")
    if bound is not None:
        kept = {i for i in kept if case["now"] - points[i]["time"] < bound * 86400}
    complete = [i for i, point in enumerate(points) if point["state"] == "complete"]
    newest = complete[-1] if complete else -1
    return kept | set(range(max(newest, 0), len(points))) | {i for i, point in enumerate(points) if point["pinned"]}


def some_points(rng):
    at = seconds(2024, 1, 1) + rng.randrange(400 * 86400)
    points = []
    for _ in range(rng.randint(0, 120)):
        at += int(rng.choice([600, 3600, 7200, 86400, 86400, 86400, 3 * 86400, 20 * 86400]) * rng.uniform(0.9, 1.1))
        state = rng.choices(["complete", "partial", "guarded"], [8, 2, 1])[0]
        points.append({"time": at, "state": state, "ended": rng.random() < 0.6, "pinned": rng.random() < 0.03})
    return points, at + rng.randrange(1, 40 * 86400)


def some_policy(rng):
    policy = {}
    if rng.random() < 0.85:
        keep = {name: rng.choice([1, 2, 3, 7, 12, -1]) for name in RULES if rng.random() < 0.35}
        for name in WITHIN.values():
            if rng.random() < 0.15:
                keep[name] = rng.choice(["12h", "3d", "2m", "1y", "1m5d7h", "1y1m"])
        policy["keep"] = keep or {"last": 1}
    if rng.random() < 0.4:
        policy["delete_after_days"] = rng.choice([1, 7, 35, 365, 2555])
    return policy


def test_points_says_by_which_rule_each_is_kept(s3sim, vaultferry):
    sim = World(s3sim, vaultferry)
    bucket = sim.bucket()
    days = 40
    for day in (days, days - 1, 1, 0):
        sim.clock(-day * 86400)
        sim.put(bucket, f"day {day}")
        sim.run()
    config = sim.config(bucket, policy={"keep": {"last": 1, "daily": 2}, "timezone": "Europe/Berlin"})
    points = sim.do("points", config=config)["points"]
    assert [point["kept_by"] for point in points] == [[], [], ["daily 2"], ["last 1", "daily 1", "newest complete"]]
    text = sim.cli("points", config=config).stdout.splitlines()
    assert "no rule keeps it" in text[0] and "kept: last 1, daily 1, newest complete" in text[3]
    s3sim.control("POST", "/_s3sim/reset")


@pytest.mark.s3sim
def test_points_that_stay_agree_with_the_model(retain):
    rng = random.Random(7)
    cases = []
    for _ in range(2000):
        points, now = some_points(rng)
        cases.append({"policy": some_policy(rng), "now": now, "points": points})
    for case, answer in zip(cases, retain(cases), strict=True):
        assert {i for i, reasons in enumerate(answer) if reasons} == model(case), case


def daily(count, *first, state="complete"):
    return [{"time": seconds(*first) + i * 86400, "state": state, "ended": True, "pinned": False}
        for i in range(count)]


@pytest.mark.s3sim
def test_reasons_are_the_rules_and_how_many_they_have_kept(retain):
    points = daily(10, 2026, 12, 27, 3)  # Sunday the 27th to Tuesday the 5th: two ISO weeks end, and a year
    policy = {"keep": {"last": 1, "daily": 2, "weekly": 3, "yearly": 5}}
    [answer] = retain([{"policy": policy, "now": seconds(2027, 1, 6), "points": points}])
    assert answer[9] == ["last 1", "daily 1", "weekly 1", "yearly 1", "newest complete"]
    assert answer[8] == ["daily 2"]
    assert answer[7] == ["weekly 2"]  # Sunday the 3rd, of 2026-W53
    assert answer[4] == ["yearly 2"]  # New Year's Eve
    assert answer[0] == ["weekly 3", "yearly 3 (oldest)"]
    assert [answer[i] for i in (1, 2, 3, 5, 6)] == [[]] * 5


@pytest.mark.s3sim
def test_policy_without_rules_removes_nothing_and_the_newest_complete_one_stays(retain):
    points = daily(3, 2020, 1, 1) + daily(2, 2020, 2, 1, state="guarded")
    now = seconds(2026, 1, 1)
    none, days, keep = retain([{"policy": policy, "now": now, "points": points}
        for policy in ({}, {"delete_after_days": 7}, {"keep": {"yearly": 1}, "delete_after_days": 7})])
    assert none[:2] == [["no rule"]] * 2
    for answer in (days, keep):
        assert answer == [[], [], ["newest complete"], ["after the newest complete"], ["after the newest complete"]]


@pytest.mark.s3sim
def test_period_without_a_complete_point_is_represented_by_its_newest_partial_one(retain):
    points = daily(4, 2026, 1, 1)
    points[1] |= {"state": "partial"}
    points[2] |= {"state": "partial", "ended": False}
    policy = {"keep": {"daily": 3}}
    [answer] = retain([{"policy": policy, "now": seconds(2026, 1, 5), "points": points}])
    assert answer == [["daily 3"], ["daily 2"], [], ["daily 1", "newest complete"]]
