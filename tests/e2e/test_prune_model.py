"""Many days of daily points, judged day by day by what prune judges by, and by a model that shares nothing with it: the
model keeps whole views and asks which versions they hold. VF_PRUNE_DAYS says how many; 2000 take six minutes."""
import datetime
import hashlib
import json
import os
import random
import subprocess

import pytest
from test_retain import model

pytestmark = pytest.mark.s3sim
DAYS = int(os.environ.get("VF_PRUNE_DAYS", "300"))
DAY = 86400
BEGIN = int(datetime.datetime(2026, 1, 1, 3, tzinfo=datetime.timezone.utc).timestamp())
POLICIES = {
    "generations": {"keep": {"last": 1, "daily": 35, "weekly": 13, "monthly": 12, "yearly": 7}, "grace_days": 7},
    "age": {"delete_after_days": 60, "grace_days": 0},
    "both": {"keep": {"daily": 9, "weekly": 6, "monthly": -1}, "delete_after_days": 700, "grace_days": 30},
    "within": {"keep": {"last": 3, "within": "20d", "within_monthly": "2y"}, "grace_days": 1},
}


class Judge:
    """The program's judgement, asked a day at a time."""

    def __init__(self, build_dir):
        self.child = subprocess.Popen([str(build_dir / "tools" / "agent_prune")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def ask(self, case):
        self.child.stdin.write(json.dumps(case) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def end(self):
        self.child.stdin.close()
        return self.child.wait(timeout=60)


class Version:
    def __init__(self, at, marker=False):
        self.at, self.marker, self.named, self.lies = at, marker, True, False


class Point:
    def __init__(self, at, finished, state, ended, view, before):
        self.id = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        self.at, self.finished, self.state, self.ended, self.view = at, finished, state, ended, view
        self.sha256 = hashlib.sha256(self.id.encode()).hexdigest()
        self.before = before and {"point": before.id, "sha256": before.sha256}
        self.pinned, self.forgotten, self.full = False, 0, False

    def asked(self):
        return {"id": self.id, "started": self.at * 1000, "finished": self.finished * 1000,
            "written": self.finished * 1000 + 400, "forgotten": self.forgotten * 1000, "state": self.state,
            "ended": self.ended, "pinned": self.pinned, "full": self.full, "sha256": self.sha256,
            "before": self.before}


class Vault:
    """What a vault would hold. Versions of a key are listed from the newest on."""

    def __init__(self, chance, policy):
        self.chance, self.policy = chance, policy
        self.points, self.keys, self.view = [], {}, {}
        self.root, self.last, self.made, self.removed = None, None, 0, 0

    def copy(self, key, at, recorded=True):
        version = Version(at)
        self.keys.setdefault(key, []).insert(0, version)
        version.named = recorded
        if recorded:
            self.view[key] = version
        self.made += 1
        return version

    def lie(self, key, at):
        """A multipart object is dated by the begin of its upload, which may have been days ago."""
        if key in self.keys and len(self.keys[key]) == 1:
            version = self.copy(key, at)
            version.at -= self.chance.randrange(1, 3 * DAY)
            version.lies = True

    def change(self, at, times):
        for _ in range(times):
            key = f"k{self.chance.randrange(60)}"
            what = self.chance.random()
            if key in self.view and what < 0.25:
                self.keys[key].insert(0, Version(at, marker=True))
                del self.view[key]
            elif what < 0.28:
                self.lie(f"large{self.made}", at)
                self.copy(f"large{self.made}", at)
            elif what < 0.3:
                for large in [key for key in self.view if key.startswith("large")][:1]:
                    self.lie(large, at)
            else:
                self.copy(key, at)
            at += 2
        return at

    def killed_run(self, at):
        """Copies that no run came to record: their objects were gone again before the next one."""
        for _ in range(self.chance.randrange(1, 4)):
            self.copy(f"killed{self.made}", at, recorded=False)

    def run(self, at):
        if self.chance.random() < 0.1:
            self.killed_run(at)
            at += 600
        state = self.chance.choices(("complete", "partial", "guarded"), (12, 2, 1))[0]
        end = self.change(at + 5, self.chance.randrange(0, 7)) + 5
        point = Point(at, end, state, state != "partial" or self.chance.random() < 0.5, dict(self.view), self.last)
        point.full = self.chance.random() < 0.2
        point.pinned = self.chance.random() < 0.02
        for pinned in self.points:
            pinned.pinned = pinned.pinned and self.chance.random() < 0.98
        self.points.append(point)
        self.last = point
        return end

    def asked(self, now):
        spans = {}
        for index, point in enumerate(self.points):
            for version in point.view.values():
                first, _ = spans.get(version, (index, index))
                spans[version] = first, index
        live = set(self.view.values())
        keys = []
        for key, versions in self.keys.items():
            # each account has to do alone: here the service's times, where lying times are the logs' to make up for
            told = any(version.lies for version in versions) or key[-1] not in "13579"
            keys.append([{"at": version.at * 1000, "marker": version.marker, "named": version.named,
                "live": told and version in live, "in": spans.get(version) if told else None} for version in versions])
        return {"policy": self.policy, "now": now * 1000, "root": self.root,
            "points": [point.asked() for point in self.points], "keys": keys}

    def prune(self, judge, now):
        said = judge.ask(self.asked(now))
        assert all(said["trust"]), "a point is not trusted"
        self.judge_points(said, now)
        for (key, versions), goes in zip(list(self.keys.items()), said["goes"], strict=True):
            self.keys[key] = [version for version, gone in zip(versions, goes) if not gone]
            self.removed += sum(goes)
            if not self.keys[key]:
                del self.keys[key]
        if said["root"] > 0:
            self.cut(said["root"])
        self.judge_versions(now)

    def judge_points(self, said, now):
        grace = self.policy["grace_days"] * DAY
        there = [point for point in self.points if not point.forgotten or now - point.forgotten < grace]
        stay = model({"points": [{"time": point.at, "state": point.state, "ended": point.ended,
            "pinned": point.pinned} for point in there], "policy": self.policy, "now": now})
        for index, point in enumerate(there):
            if index in stay:
                point.forgotten = 0
            elif not point.forgotten:
                point.forgotten = now
        for index, point in enumerate(self.points):
            point.holds = not point.forgotten or now - point.forgotten < grace
            assert said["forget"][index] == (point.forgotten == now), point.id
            assert said["holds"][index] or not point.holds, f"{point.id} does not hold what it needs"

    def cut(self, root):
        """Points and logs before the root go; nothing that holds is among them."""
        assert not any(point.holds for point in self.points[:root])
        head = self.points[root - 1]
        self.points = self.points[root:]
        self.root = {"point": self.points[0].id, "removed": {"point": head.id, "sha256": head.sha256}}

    def judge_versions(self, now):
        needed = {version for point in self.points if point.holds for version in point.view.values()}
        there = {version for versions in self.keys.values() for version in versions}
        assert needed <= there, "a version is gone that a point needs"
        newest = [point for point in self.points if point.state == "complete"][-1]
        old = now - self.policy["grace_days"] * DAY
        for key, versions in self.keys.items():
            if any(version.lies for version in versions):
                continue
            for version in versions:
                young = version.at >= newest.at or (not version.named and version.at > old)
                assert version.marker or version in needed or young, f"no point needs {key} of {version.at}"
            assert not versions[-1].marker or versions[-1].at >= newest.at, f"the marker of {key} hides nothing"


@pytest.mark.parametrize("policy", POLICIES)
def test_many_days_lose_nothing_and_leave_nothing(build_dir, policy):
    judge = Judge(build_dir)
    vault = Vault(random.Random(f"{policy} 5"), POLICIES[policy])
    most = 0
    for day in range(DAYS):
        end = vault.run(BEGIN + day * DAY)
        if any(point.state == "complete" for point in vault.points):
            vault.prune(judge, end + 3600)
        most = max(most, len(vault.points))
    assert judge.end() == 0
    print(f"{policy}: {vault.made} versions made, {vault.removed} gone, {len(vault.points)} points at the end, "
        f"{most} at most")
    assert vault.removed > vault.made / 3
