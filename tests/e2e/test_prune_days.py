"""Day after day the source changes at random, runs are killed or end early, prunes are killed, points are pinned.

The judge has its own books, kept with boto3 and zstandard as each point appeared: what every point held, and which
versions it named. Which points stay says the model of test_retain.py. After each day the vault must hold all that a
point needs which is not expired, or not for long enough, and nothing that none needs. VF_DAYS says how many days (14).
"""
import datetime
import json
import os
import random
import signal
import time

import pytest
from changing import Source
from test_prune import Pruned
from test_retain import model
from world import Vault, listing, pages

pytestmark = [pytest.mark.s3sim, pytest.mark.kills]
DAYS = int(os.environ.get("VF_DAYS", "14"))
DAY = 86400
GRACE = 3
POLICIES = {
    "keep": {"keep": {"last": 1, "daily": 5, "weekly": 2, "monthly": 2}},
    "age": {"delete_after_days": 9},
    "both": {"keep": {"daily": 4, "weekly": -1, "within": "3d"}, "delete_after_days": 16},
}


class Point:
    def __init__(self, name, said, view, there):
        self.id, self.view, self.there = name, view, there
        self.started, self.finished = (datetime.datetime.fromisoformat(said[name]) for name in ("started", "finished"))
        self.state, self.ended = said["state"], said["walk_ended"]
        self.pinned, self.since = False, None  # since: the day on which it was forgotten

    def for_model(self):
        return {"time": int(self.started.timestamp()), "state": self.state, "ended": self.ended, "pinned": self.pinned}


class Days:
    def __init__(self, world, policy, seed):
        self.world, self.chance = world, random.Random(seed)
        world.limits(min_part_size=1)
        self.bucket = world.bucket()
        self.source = Source(world, self.bucket, self.chance)
        self.policy = policy | {"grace_days": GRACE}
        self.config = world.config(self.bucket, policy=self.policy | {"parts": "faithful"})
        self.points, self.view, self.named = [], {}, set()
        self.base = self.now = int(time.time())
        self.begins = {}  # folders under points/ without a point yet
        self.killed = self.pruned = self.restored = 0

    def day(self, number):
        self.now = self.base + number * DAY + self.chance.randrange(3600)
        self.world.clock(self.now - int(time.time()))
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            self.source.change(self.chance.randrange(4, 25))
            self.now += 600
            self.world.clock(self.now - int(time.time()))
            if self.chance.random() < 0.35:
                self.kill("run", "CopyObject", self.chance.randrange(1, 12))
            if self.chance.random() < 0.15:
                self.run("--max-bytes", "1")  # partial, where there is more to copy
            self.run()
        self.pin()
        if self.chance.random() < 0.4:
            self.kill("prune", "DeleteObjects", 1)
        self.prune()
        self.judge()
        if number % 5 == 4:
            assert self.world.do("verify", "--source", self.bucket, config=self.config)["problems"] == []

    def run(self, *arguments):
        before = {point.id for point in self.points}
        done = self.world.cli("run", "--accept", self.bucket, *arguments, config=self.config)
        assert done.returncode == 0 or (arguments and done.returncode == 6), done
        self.take_points()
        assert len({point.id for point in self.points} - before) == 1

    def kill(self, command, operation, most):
        """Kills it when s3sim has seen so many of these requests, if it comes to them."""
        self.world.forget_counts()
        self.world.latency(15, operation)
        child = self.world.start(command, "--accept", self.bucket, config=self.config)
        end = time.monotonic() + 60
        while child.poll() is None and self.world.counts()[operation] < most:
            assert time.monotonic() < end, f"{command} does not come to an end"
            time.sleep(0.001)
        time.sleep(self.chance.random() * 0.02)
        child.kill()
        self.killed += child.wait() == -signal.SIGKILL
        time.sleep(0.03)  # what was in flight arrives all the same
        self.world.latency(0)
        self.now += 120  # its lease is over
        self.world.clock(self.now - int(time.time()))
        self.take_points()

    # the books

    def take_points(self):
        vault = self.world.vault
        known = {point.id for point in self.points}
        texts = {}
        for entry in vault.versions(f"points/{self.bucket}/"):
            name = entry["Key"].split("/", 2)[2]
            folder = name.split("/")[0]
            if folder not in known and not entry["Marker"]:
                texts[name] = vault.read(entry["Key"], entry["VersionId"])
        for name in sorted(name for name in texts if name.endswith("/point.json")):
            said = json.loads(texts[name])
            for file in said["files"]:
                path = f"{file.get('point', said['point'])}/{file['name']}"
                if file["name"].startswith("changes-"):
                    lines = Vault.lines(self.bucket, path, texts[path])
                    Vault.apply(self.view, lines)
                    self.named |= {line["vault"] for line in lines}
            there = dict(self.source.there) if said["state"] == "complete" else None
            view = {key: (line["vault"], line["etag"], line["size"]) for key, line in self.view.items()}
            if there is not None:
                assert {key: line[1:] for key, line in view.items()} == there, said["point"]
            self.points.append(Point(said["point"], said, view, there))

    def pin(self):
        unpinned = [point for point in self.points if not point.pinned and point.since is None]
        if unpinned and self.chance.random() < 0.12:
            point = self.chance.choice(unpinned)
            self.world.do("pin", "--source", self.bucket, point.id, config=self.config)
            point.pinned = True
        pinned = [point for point in self.points if point.pinned]
        if pinned and self.chance.random() < 0.12:
            point = self.chance.choice(pinned)
            self.world.do("unpin", "--source", self.bucket, point.id, config=self.config)
            point.pinned = False

    def holds(self, point):
        return point.since is None or self.now - point.since < GRACE * DAY

    def prune(self):
        done = self.world.do("prune", "--accept", self.bucket, config=self.config)
        assert done["retained_by_lock"] == 0
        there = [point for point in self.points if self.holds(point)]
        stay = model({"points": [point.for_model() for point in there], "policy": self.policy, "now": self.now})
        for index, point in enumerate(there):
            if index in stay:
                point.since = None
            elif point.since is None:
                point.since = self.now
        self.pruned += done["versions"]

    # judging

    def judge(self):
        versions = {(entry["Key"], entry["VersionId"]): entry
            for room in ("data", "data-long") for entry in self.world.vault.versions(f"{room}/{self.bucket}/")}
        self.judge_points()
        holding = [point for point in self.points if self.holds(point)]
        needed = {line[0] for point in holding for line in point.view.values()}
        there = {version for (_, version), entry in versions.items() if not entry["Marker"]}
        assert needed <= there, f"{len(needed - there)} versions are gone that points need"
        complete = [point for point in self.points if point.state == "complete"][-1]
        for (path, version), entry in versions.items():
            if entry["Marker"] or version in needed or entry["LastModified"] >= complete.started:
                continue
            age = self.now - entry["LastModified"].timestamp()
            assert version not in self.named and age < (GRACE + 1) * DAY, f"no point needs {path} {version}"
        self.judge_markers(versions, complete)
        kept = [point for point in holding if point.since is None and point.there is not None]
        for point in self.chance.sample(kept, min(1, len(kept))):
            self.restore(point)

    def judge_points(self):
        """Exactly the points that stay have no word of being forgotten; what is no longer there was forgotten."""
        files = {entry["Key"].split("/", 2)[2] for entry in self.world.vault.versions(f"points/{self.bucket}/")}
        for point in self.points:
            if point.since is None:
                assert f"{point.id}/point.json" in files and f"{point.id}/forgotten.json" not in files, point.id
            elif self.holds(point):
                assert f"{point.id}/point.json" in files and f"{point.id}/forgotten.json" in files, point.id
            elif f"{point.id}/point.json" in files:
                assert f"{point.id}/forgotten.json" in files, point.id

    def judge_markers(self, versions, complete):
        oldest = {}
        for (path, _), entry in versions.items():
            if path not in oldest or (entry["LastModified"], entry["IsLatest"]) < oldest[path][:2]:
                oldest[path] = entry["LastModified"], entry["IsLatest"], entry["Marker"]
        for path, (modified, _, marker) in oldest.items():
            assert not marker or modified >= complete.started, f"the marker of {path} hides nothing"

    def restore(self, point):
        self.restored += 1
        back = f"back{self.restored}-{self.world.tag}"
        self.world.source.create_bucket(Bucket=back)
        self.world.do("restore", "--source", self.bucket, "--at", point.id, "--to", f"s3://{back}/", "--to-profile",
            "source", config=self.config)
        assert listing(self.world.source, back) == point.there, point.id
        for entry in pages(self.world.source, "list_objects_v2", "Contents", Bucket=back):
            self.world.source.delete_object(Bucket=back, Key=entry["Key"])
        self.world.source.delete_bucket(Bucket=back)


@pytest.mark.parametrize("policy", POLICIES)
def test_days_lose_nothing_and_leave_nothing(s3sim, vaultferry, policy):
    days = Days(Pruned(s3sim, vaultferry, POLICIES[policy]), POLICIES[policy], seed=f"{policy} {DAYS}")
    for number in range(DAYS):
        days.day(number)
    for point in days.points:
        if point.since is None and point.there is not None:
            days.restore(point)
    assert DAYS < 20 or days.pruned > 0
    print(f"{policy}: {len(days.points)} points, {days.killed} kills, {days.pruned} versions pruned, "
        f"{days.restored} restores")
    s3sim.control("POST", "/_s3sim/reset")
