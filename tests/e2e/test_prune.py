"""What prune takes away, and what never. The judge is boto3: it noted what the vault held after each run, and reads
every version that a kept point needs."""

import datetime
import hashlib
import json
import shutil
import signal
import time

import pytest
from test_policy import Least
from world import EXTERNAL_ID, document

DAY = 86400


class Pruned(Least):
    """A third role, with exactly the rights that the program prints for it; and a clock that moves days."""

    def __init__(self, server, vaultferry, policy=None, vault=None):
        super().__init__(server, vaultferry)
        self.rules, self.more = policy or {"keep": {"last": 2}, "grace_days": 0}, vault or {}
        self.prune_role = self.vault_role.replace("vaultferry-vault", "vaultferry-prune")
        self.grant_prune()
        self.taken = {}  # {point: {key: (version, body)}}
        self.today = 0

    def grant_prune(self):
        policy = self.policy("prune-role", config=self.config("no-such-bucket"))
        name, account = self.prune_role.rpartition("/")[2], self.server.vault_account
        user = f"arn:aws:iam::{account}:user/agent"
        if self.simulated:
            self.server.control("POST", "/_s3sim/roles", {"account": account, "name": name, "trust": [user],
                "external_id": EXTERNAL_ID, "policy": policy})
        else:
            iam = self.server.client(*self.server.vault_owner, service="iam")
            trust = {"Effect": "Allow", "Principal": {"AWS": [user]}, "Action": ["sts:AssumeRole"]}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
            iam.put_role_policy(RoleName=name, PolicyName="prune", PolicyDocument=document(*policy["Statement"]))

    def config(self, *buckets, policy=None, vault=None, **top):
        if not hasattr(self, "prune_role"):
            return super().config(*buckets, policy=policy, vault=vault, **top)
        return super().config(*buckets, policy={"delete_after_days": None} | self.rules | (policy or {}),
            vault={"prune_role_arn": self.prune_role} | self.more | (vault or {}), **top)

    def day(self, day):
        self.today = day
        if self.simulated:
            self.clock(day * DAY)

    def later(self, seconds=3):
        """A second is what S3's times tell."""
        super().later(seconds)
        if not self.simulated:
            time.sleep(1.1)

    def back_up(self, *arguments, **more):
        """A run; what the vault holds after it."""
        report = self.run(*arguments, **more)
        bucket = self.buckets[-1]
        self.taken[report["point"]] = {key: (entry["VersionId"], entry["Key"])
            for key, entry in self.vault.live(bucket).items()}
        return report["point"]

    def prune(self, *arguments, exit=0, config=None):
        return self.do("prune", *arguments, exit=exit, config=config)

    def left(self, bucket=None):
        """Ids of all object versions of the source."""
        bucket = bucket or self.buckets[-1]
        return {entry["VersionId"] for folder in ("data", "data-long")
            for entry in self.vault.versions(f"{folder}/{bucket}/") if not entry["Marker"]}

    def point_of(self, point):
        return json.loads(self.vault.read(f"points/{self.buckets[-1]}/{point}/point.json"))

    def lay(self, document, point):
        text = json.dumps(document).encode()
        self.owner.put_object(Bucket=self.vault_bucket, Key=f"points/{self.buckets[-1]}/{point}/point.json", Body=text)
        return text

    @staticmethod
    def id_after(point, seconds):
        at = datetime.datetime.strptime(point, "%Y%m%dT%H%M%SZ") + datetime.timedelta(seconds=seconds)
        return at.strftime("%Y%m%dT%H%M%SZ")

    def follow(self, before, seconds, objects=None):
        """A point that follows the newest one as a run's would, so long after it; its id."""
        self.clock(self.today * DAY + seconds)
        text = self.vault.read(f"points/{self.buckets[-1]}/{before}/point.json")
        document, point = json.loads(text), self.id_after(before, 30)
        time = f"{point[:4]}-{point[4:6]}-{point[6:11]}:{point[11:13]}:{point[13:15]}Z"
        document |= {"point": point, "started": time, "finished": time, "files": [],
            "predecessor": {"point": before, "sha256": hashlib.sha256(text).hexdigest()}}
        if objects is not None:
            document |= {"objects": 0, "bytes": 0, "by_class": {}}
        self.lay(document, point)
        return point

    def shown(self):
        return [point["point"] for point in self.do("points")["points"]]

    def check(self, *points, exact=True, problems=0):
        """These points can be restored, version by version, and nothing else is left."""
        bucket = self.buckets[-1]
        needed = {version for point in points for version, _ in self.taken[point].values()}
        left = self.left()
        assert needed <= left, f"{len(needed - left)} versions that points need are gone"
        if exact:
            assert left == needed, f"{len(left - needed)} versions are left that no point needs"
        for point in points:
            listed = self.do("ls", "--source", bucket, "--at", point)["objects"]
            assert {one["key"]: one["version"] for one in listed} == {key: version
                for key, (version, _) in self.taken[point].items()}, point
            for key, (version, path) in self.taken[point].items():
                self.vault.read(path, version)
        found = self.do("verify", exit=2 if problems else 0)
        assert len(found["problems"]) == problems, found["problems"]

    def days(self, bucket, count, first=0):
        """A run a day, each with one object more and one changed."""
        points = []
        for day in range(first, first + count):
            self.day(day)
            self.put(bucket, f"new {day}")
            self.put(bucket, "same key", f"day {day}".encode())
            points.append(self.back_up())
        return points


class Locked(Pruned):
    """In a bucket that can lock."""

    def __init__(self, server, vaultferry, *arguments):
        super().__init__(server, vaultferry, *arguments)
        self.vault_bucket = self.vault.bucket = f"locked-{self.tag}"
        self.owner.create_bucket(Bucket=self.vault_bucket, ObjectLockEnabledForBucket=True)
        if not self.simulated:
            iam = self.server.client(*self.server.vault_owner, service="iam")
            iam.delete_role_policy(RoleName=self.prune_role.rpartition("/")[2], PolicyName="prune")
            iam.delete_role(RoleName=self.prune_role.rpartition("/")[2])
        self.grant_prune()


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Pruned(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def world(server, vaultferry):
    return Pruned(server, vaultferry)


def test_folder_of_a_time_to_come_does_not_make_runs_forgers(sim):
    """Ids ascend, so that the next run's is ahead of its time; by hundreds of short runs it could be as well."""
    bucket = sim.bucket()
    points = sim.days(bucket, 2)
    sim.day(2)
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2, seconds=282)
    sim.put(bucket, "same key", b"between")
    laid = f"{ahead:%Y%m%dT%H%M%SZ}"
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"points/{bucket}/{laid}/changes-0001.ndjson.zst", Body=b"")
    points.append(sim.back_up())
    assert points[-1] > laid
    started = datetime.datetime.fromisoformat(sim.point_of(points[-1])["started"])
    assert ahead.timestamp() + 1 - started.timestamp() <= 281, "the run did not wait"
    points += sim.days(bucket, 2, first=3)
    assert sim.do("verify")["problems"] == []
    assert [point["fate"] for point in sim.prune("--dry-run", "--accept", bucket)["sources"][0]["points"]] == [
        "forget", "forget", "forget", "keep", "keep"]


def test_points_are_forgotten_and_what_none_needs_goes(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    report = sim.prune()
    assert (report["forgotten"], report["versions"], report["failed"]) == (2, 2, 0)
    assert report["bytes"] == len("day 0") + len("day 1")
    assert sim.shown() == points[2:]
    sim.check(*points[2:])
    again = sim.prune()
    assert (again["forgotten"], again["versions"]) == (0, 0)
    points += sim.days(bucket, 1, first=4)
    sim.check(*points[2:])


def test_a_point_that_was_forgotten_holds_its_versions_for_the_days_of_grace(sim):
    sim.rules["grace_days"] = 7
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    report = sim.prune()
    assert (report["forgotten"], report["versions"]) == (2, 0)
    assert sim.shown() == points[2:]
    assert sim.left() >= {version for point in points for version, _ in sim.taken[point].values()}
    sim.day(9)
    assert sim.prune()["versions"] == 0
    sim.day(11)
    assert sim.prune()["versions"] == 2
    sim.check(*points[2:])


def test_all_kinds_go_on_every_server(world):
    world.rules["keep"] = {"last": 1}
    bucket = world.bucket()
    world.fill(bucket, 20)
    for key in ("long " + "a" * 1015, "\u00e4/../ \x7f", "changed"):
        world.put(bucket, key, b"first")
    world.back_up()
    world.later()
    world.put(bucket, "changed", b"second")
    for key in ("long " + "a" * 1015, "\u00e4/../ \x7f"):
        world.source.delete_object(Bucket=bucket, Key=key)
    world.run()
    world.later()
    world.put(bucket, "another")
    point = world.back_up()
    world.later()
    report = world.prune()
    assert (report["forgotten"], report["versions"], report["markers"], report["failed"]) == (2, 3, 2, 0)
    world.check(point)
    assert world.vault.versions(f"names/{bucket}/") == [] and world.vault.markers(bucket) == []
    world.run()
    world.assert_same(bucket)


def test_an_object_that_was_deleted_goes_and_its_marker_with_it(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.back_up()
    sim.source.delete_object(Bucket=bucket, Key="k003")
    sim.source.delete_object(Bucket=bucket, Key="k004")
    points = sim.days(bucket, 2, first=1)
    report = sim.prune()
    assert (report["forgotten"], report["versions"], report["markers"]) == (1, 2, 2)
    assert sim.vault.markers(bucket) == []
    sim.check(*points)


def test_a_marker_stays_while_a_point_needs_what_it_hides(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = [sim.back_up()]
    sim.source.delete_object(Bucket=bucket, Key="k003")
    points += sim.days(bucket, 1, first=1)
    assert sim.prune()["versions"] == 0
    assert sim.vault.markers(bucket) == [f"data/{bucket}/k003"]
    sim.check(*points)


def test_long_keys_go_with_their_names(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    for key in ("a" * 1020, "b" * 1020):
        sim.put(bucket, key)
    points = [sim.back_up()]
    sim.source.delete_object(Bucket=bucket, Key="a" * 1020)
    points += sim.days(bucket, 3, first=1)
    report = sim.prune()
    assert (report["versions"], report["failed"]) == (2, 0)
    sim.check(*points[2:])
    names = [entry["Key"] for entry in sim.vault.versions(f"names/{bucket}/")]
    assert len(names) == 1 and sim.vault.read(names[0]) == b"b" * 1020


def test_what_a_killed_run_has_left_goes_after_the_days_of_grace(sim):
    sim.rules["grace_days"] = 3
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    first = sim.back_up()
    for path in (f"data/{bucket}/never recorded", f"data/{bucket}/k001", f"names/{bucket}/{'0' * 64}"):
        sim.owner.put_object(Bucket=sim.vault_bucket, Key=path, Body=b"left")
    points = sim.days(bucket, 2, first=1)
    for point in points:  # what lies on top is not what the run recorded
        del sim.taken[point]["never recorded"]
        sim.taken[point]["k001"] = sim.taken[first]["k001"]
    assert sim.prune()["versions"] == 0
    sim.day(4)
    assert sim.prune()["versions"] == 2
    assert sim.vault.versions(f"names/{bucket}/") == []
    sim.day(6)
    sim.prune()
    sim.check(*points)


def test_pinned_points_stay(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 5)
    pinned = sim.do("pin", "--source", bucket, points[1])
    assert (pinned["point"], pinned["pinned"], pinned["changed"]) == (points[1], True, True)
    assert not sim.do("pin", "--source", bucket, points[1])["changed"]
    assert [one["point"] for one in sim.do("points")["points"] if one["pinned"]] == [points[1]]
    assert "pinned" in sim.do("points")["points"][1]["kept_by"]
    sim.prune()
    sim.check(points[1], *points[3:])
    # a delete marker over it, which the writer could put, is no unpinning
    path = f"points/{bucket}/{points[1]}/pinned.json"
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=path)
    assert sim.prune(exit=0)["forgotten"] == 0
    assert sim.do("unpin", "--source", bucket, points[1])["changed"]
    assert sim.vault.versions(path) == []
    assert not sim.do("unpin", "--source", bucket, points[1])["changed"]
    assert sim.prune()["forgotten"] == 1
    sim.check(*points[3:])


def test_only_the_prune_role_unpins_and_prunes(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.do("pin", "--source", bucket, points[0])
    without = sim.config(bucket, vault={"prune_role_arn": None})
    for command in (["prune"], ["unpin", "--source", bucket, points[0]]):
        document = sim.do(*command, exit=1, config=without)
        assert "prune_role_arn" in document["error"]["message"]
    writer = sim.config(bucket, vault={"prune_role_arn": sim.vault_role})
    assert sim.cli("unpin", "--source", bucket, points[0], config=writer).returncode == 5
    before = sim.left()
    assert sim.prune("--accept", bucket, exit=2, config=writer)["failed"] > 0
    assert sim.left() == before
    sim.prune("--accept", bucket)
    sim.check(points[0], *points[2:])


def test_a_pin_within_the_days_of_grace_brings_a_point_back(sim):
    sim.rules["grace_days"] = 7
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.prune()
    listed = sim.cli("-v", "ls", "--source", bucket, "--at", points[0])
    assert listed.returncode == 0 and b"point-forgotten" in listed.stderr.encode()
    sim.do("pin", "--source", bucket, points[0])
    assert sim.prune()["sources"][0]["remembered"] == 1
    assert sim.shown() == [points[0], *points[2:]]
    sim.day(20)
    sim.prune()
    sim.check(points[0], *points[2:])
    document = sim.do("ls", "--source", bucket, "--at", points[1], exit=5)
    assert "days of grace ended" in document["error"]["message"]
    assert "days of grace ended" in sim.do("pin", "--source", bucket, points[1], exit=5)["error"]["message"]


def test_a_policy_that_keeps_more_brings_points_back_within_their_grace(sim):
    sim.rules["grace_days"] = 7
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 5)
    assert sim.prune()["forgotten"] == 3
    sim.rules["keep"] = {"last": 4}
    assert sim.prune()["sources"][0]["remembered"] == 2
    assert sim.shown() == points[1:]
    sim.day(30)
    sim.prune()
    sim.check(*points[1:])


def test_a_longer_grace_brings_nothing_back_whose_days_are_over(sim):
    """What those points need is gone: they are neither shown nor counted again."""
    sim.rules["grace_days"] = 1
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.prune()
    sim.day(6)
    assert sim.prune()["versions"] == 2
    sim.rules |= {"keep": {"last": 3}, "grace_days": 30}
    report = sim.prune()["sources"][0]
    assert report["remembered"] == 0
    assert [point["fate"] for point in report["points"]] == ["forgotten", "disputed", "keep", "keep"]
    assert sim.shown() == points[2:]
    sim.check(*points[2:])


def test_days_of_grace_that_were_said_are_given(sim):
    """A shorter grace is for what is forgotten from then on: so long as its own days are not over, a point is whole."""
    sim.rules["grace_days"] = 7
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.prune()
    sim.rules["grace_days"] = 1
    sim.day(6)
    assert sim.prune()["versions"] == 0
    sim.rules = {"keep": {"last": 4}, "grace_days": 7}
    assert sim.prune()["sources"][0]["remembered"] == 2
    sim.check(*points)


def test_more_than_a_third_is_asked_for(sim):
    sim.rules["keep"] = {"last": 1}
    bucket = sim.bucket()
    sim.fill(bucket, 6)
    sim.back_up()
    sim.day(1)
    for i in range(4):
        sim.put(bucket, f"k{i:03d}", b"other")
    point = sim.back_up()
    sim.day(2)
    before = sim.left()
    report = sim.prune(exit=3)
    assert (report["forgotten"], report["sources"][0]["forgotten"]) == (0, 0)
    assert "more than a third" in report["sources"][0]["stopped"]
    assert sim.left() == before and len(sim.shown()) == 2
    assert sim.cli("prune", "--accept", "docs").returncode == 1
    assert sim.prune("--accept", bucket)["versions"] == 4
    sim.check(point)


def test_a_dry_run_tells_all_and_does_nothing(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    before = sim.vault.versions()
    report = sim.prune("--dry-run")
    after = [entry for entry in sim.vault.versions() if not entry["Key"].startswith("lease/")]
    assert after == [entry for entry in before if not entry["Key"].startswith("lease/")]
    fates = {one["point"]: (one["fate"], one["why"]) for one in report["sources"][0]["points"]}
    assert fates == {points[0]: ("forget", []), points[1]: ("forget", []), points[2]: ("keep", ["last 2"]),
        points[3]: ("keep", ["last 1", "newest complete"])}
    assert (report["forgotten"], report["versions"]) == (2, 2)
    assert report["cost"]["currency"] == "USD" and report["cost"]["storage_month"] > 0
    text = sim.cli("prune", "--dry-run").stdout
    assert "would forget 2 points; would remove 2 versions" in text and "saves USD" in text
    done = sim.prune()
    assert {name: done[name] for name in ("forgotten", "versions", "bytes", "markers")} == {name: report[name]
        for name in ("forgotten", "versions", "bytes", "markers")}


def test_an_empty_policy_removes_nothing(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.days(bucket, 3)
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/left", Body=b"left")
    sim.day(9)
    before = sim.left()
    sim.rules = {"grace_days": 0}
    report = sim.prune()
    assert (report["forgotten"], report["versions"], report["markers"]) == (0, 0, 0)
    assert sim.left() == before


# somebody else with the writer's role

def test_points_that_somebody_laid_there_take_nothing_away(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 3)
    newest = sim.point_of(points[-1])
    for at, change in enumerate(({}, {"point": "20991231T000000Z"}, {"point": "20200101T000000Z"},
            {"predecessor": newest["predecessor"], "point": sim.id_after(points[-1], 60)})):
        sim.lay(newest | change, change.get("point", f"20200102T00000{at}Z"))
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"points/{bucket}/20300101T000000Z/point.json", Body=b"{")
    before = sim.left()
    report = sim.prune(exit=2)
    assert (report["forgotten"], report["versions"]) == (1, 1)
    assert sim.left() == before - {sim.taken[points[0]]["same key"][0]}
    fates = {one["point"]: one["fate"] for one in report["sources"][0]["points"]}
    assert [fates.get(point) for point in points] == ["forget", "keep", "keep"]
    assert sorted(fates.values()) == ["forget"] + ["ignored"] * 5 + ["keep"] * 2


def test_a_hundred_well_formed_points_are_asked_for(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.prune()
    before = sim.left()
    link = points[-1]
    for i in range(100):
        link = sim.follow(link, 30 * (i + 1))
    report = sim.prune(exit=3)
    assert "complete points have come since the last prune" in report["sources"][0]["stopped"]
    assert sim.left() == before


def test_a_few_well_formed_points_hold_what_was_there_then(sim):
    """By the service's times they do, whatever their own logs say."""
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    link = points[-1]
    for i in range(3):
        link = sim.follow(link, 30 * (i + 1), objects=0)
    sim.prune(exit=0)
    needed = {version for version, _ in sim.taken[points[-1]].values()}
    assert needed <= sim.left()


def test_a_forgotten_json_that_no_prune_wrote_takes_nothing_away(sim):
    sim.rules = {"keep": {"last": 3}, "grace_days": 2}
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    for point in points:
        sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"points/{bucket}/{point}/forgotten.json", Body=b"{}")
    sim.day(4)
    assert sim.prune()["sources"][0]["remembered"] == 3
    assert sim.shown() == points[1:]
    for point in points[1:]:
        sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"points/{bucket}/{point}/forgotten.json", Body=b"{}")
    sim.day(30)
    before = sim.left()
    report = sim.prune()
    needed = {version for point in points[1:] for version, _ in sim.taken[point].values()}
    assert needed <= sim.left() and len(before - sim.left()) == report["versions"] == 1
    fates = {one["point"]: one["fate"] for one in report["sources"][0]["points"]}
    assert [fates[point] for point in points[1:]] == ["disputed"] * 3


def test_a_record_that_no_prune_wrote_takes_nothing_away(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    newest = sim.point_of(points[-1])
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"prune/{bucket}/record.json", Body=json.dumps({"format": 1,
        "source": bucket, "pruned": None, "root": {"point": points[-1], "removed": newest["predecessor"]}}).encode())
    before = sim.left()
    assert f"says that point {points[0]} was removed" in sim.prune(exit=3)["sources"][0]["stopped"]
    assert sim.left() == before
    assert sim.do("verify")["sources"][0]["points"] == 4
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"prune/{bucket}/record.json", Body=b"{")
    assert "not what a prune writes" in sim.prune(exit=2)["error"]["message"]
    assert sim.left() == before


def test_a_chain_that_is_broken_is_asked_for(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.vault.remove(f"points/{bucket}/{points[1]}/point.json")
    before = sim.left()
    report = sim.prune(exit=3)
    assert f"broken before point {points[2]}" in report["sources"][0]["stopped"]
    assert sim.left() == before
    sim.prune("--accept", bucket)
    assert {version for point in points[2:] for version, _ in sim.taken[point].values()} <= sim.left()


def test_a_log_that_is_missing_stops_it(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    sim.vault.remove(f"points/{bucket}/{points[2]}/changes-0001.ndjson.zst")
    before = sim.left()
    report = sim.prune("--accept", bucket, exit=2)
    assert "the logs of the points are not whole" in report["error"]["message"]
    assert sim.left() == before and len(sim.shown()) == 4


# the chain's own files

LONG = 36  # more logs than a chain has without a full file


def long(sim):
    """A source of many points, of which all but two are to go."""
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = []
    for day in range(LONG):
        sim.day(day)
        sim.put(bucket, "same key", f"day {day}".encode())
        points.append(sim.run()["point"])
    newest = {key: (entry["VersionId"], entry["Key"]) for key, entry in sim.vault.live(bucket).items()}
    path = f"data/{bucket}/same key"
    before = [entry["VersionId"] for entry in sim.vault.versions(path)][1]
    sim.taken = {points[-1]: newest, points[-2]: newest | {"same key": (before, path)}}
    return bucket, points


def folders(sim, bucket):
    return sorted({entry["Key"].split("/")[2] for entry in sim.vault.versions(f"points/{bucket}/")})


def kill_in(sim, bucket, **fault):
    """Kills a prune in a request that stalls."""
    sim.faults({"count": 1, "action": "stall", "ms": 60000} | fault)
    child = sim.start("prune", "--accept", bucket)
    sim.wait_for(lambda: child.poll() is not None or sum(sim.fired()))
    assert child.poll() is None, "nothing was there to be killed"
    child.kill()
    child.wait()
    sim.heal()


def test_a_prune_that_is_killed_anywhere_is_gone_on_with_up_to_a_full_file(sim):
    bucket, points = long(sim)
    for fault in ({"operation": "PutObject", "key_prefix": "points/", "skip": 7},
            {"operation": "PutObject", "key_prefix": "points/", "skip": 20}, {"operation": "DeleteObjects"},
            {"operation": "PutObject", "key_prefix": "prune/"}, {"operation": "DeleteObjects", "skip": 0},
            {"operation": "DeleteObjects", "skip": 1}, {"operation": "PutObject", "key_prefix": "prune/"}):
        kill_in(sim, bucket, **fault)
        assert sim.do("verify")["problems"] == []
        listed = sim.do("ls", "--source", bucket, "--at", points[-2])["objects"]
        assert {one["version"] for one in listed} == {version for version, _ in sim.taken[points[-2]].values()}
        assert {version for version, _ in sim.taken[points[-2]].values()} <= sim.left()
        assert set(sim.shown()) >= set(points[-2:])
    sim.prune("--accept", bucket)
    left = folders(sim, bucket)
    assert len(left) < 8 and left == points[-len(left):]
    root = sim.point_of(left[0])
    record = json.loads(sim.vault.read(f"prune/{bucket}/record.json"))
    assert record["root"] == {"point": left[0], "removed": root["predecessor"]}
    assert any(file["name"].startswith("full-") for file in root["files"])
    assert sim.shown() == points[-2:]
    sim.check(*points[-2:])
    assert sim.do("ls", "--source", bucket, "--at", points[0], exit=5)["error"]
    # runs go on, also with nothing but the vault
    sim.day(LONG)
    sim.put(bucket, "after", b"the prune")
    assert sim.back_up() and sim.prune()["forgotten"] == 1
    shutil.rmtree(sim.vaultferry.state)
    assert sim.prune()["forgotten"] == 0
    report = sim.run()
    assert (report["copied"], report["recopied"], report["adopted"]) == (0, 0, 0)
    sim.assert_same(bucket)
    assert len(sim.vault.versions(f"prune/{bucket}/")) == 1
    assert sim.do("verify")["problems"] == []
    # a chain whose root is not the one that was recorded is no whole chain
    sim.owner.put_object(Bucket=sim.vault_bucket, Key=f"prune/{bucket}/record.json", Body=json.dumps(record
        | {"root": {"point": left[0], "removed": root["predecessor"] | {"sha256": "0" * 64}}}).encode())
    assert [one["problem"] for one in sim.do("verify", exit=2)["problems"]] == ["point-missing"]
    assert sim.prune(exit=3)["versions"] == 0


def test_a_signal_ends_it_in_order(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    points = sim.days(bucket, 4)
    for operation in ("GetObject", "PutObject"):
        sim.faults({"operation": operation, "key_prefix": "points/", "count": 1, "action": "stall", "ms": 800})
        child = sim.start("prune")
        sim.wait_for(lambda: child.poll() is not None or sum(sim.fired()))
        child.send_signal(signal.SIGTERM)
        result = sim.finish(child)
        sim.heal()
        assert (result.returncode, result.json["sources"][0]["exit"], result.json["versions"]) == (6, 6, 0)
        assert {version for point in points[2:] for version, _ in sim.taken[point].values()} <= sim.left()
    sim.prune()
    sim.check(*points[2:])


def test_a_lease_that_is_held_is_respected(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.days(bucket, 3)
    sim.faults({"operation": "DeleteObjects", "count": 1, "action": "stall", "ms": 1500})
    child = sim.start("prune")
    sim.wait_for(lambda: child.poll() is not None or sum(sim.fired()))
    result = sim.cli("--state-dir", sim.vaultferry.home / "other", "prune")
    assert sim.finish(child).returncode == 0
    assert result.returncode == 4, result


def test_versions_of_moved_objects_go(sim):
    sim.rules |= {"tiers": [{"after_days": 30, "class": "STANDARD_IA"}], "transitions": "agent", "min_size": 0,
        "keep": {"last": 1}}
    bucket = sim.bucket()
    sim.put(bucket, "a", b"a" * 1000)
    sim.back_up()
    sim.day(40)
    sim.fill(bucket, 20)
    assert sim.run()["moved"] == 1
    sim.day(41)
    point = sim.back_up()
    assert sim.prune()["versions"] == 1
    sim.check(point)


def test_what_is_locked_stays_and_is_counted(server, vaultferry):
    world = Locked(server, vaultferry, {"keep": {"last": 1}, "grace_days": 0},
        {"lock": {"mode": "governance", "days": 1}})
    bucket = world.bucket(actions=())
    world.fill(bucket, 20)
    world.grant_documents(bucket)
    world.back_up()
    world.later()
    world.put(bucket, "k001", b"other")
    world.source.delete_object(Bucket=bucket, Key="k002")
    world.run()
    world.later()
    point = world.back_up()
    report = world.prune()
    assert (report["versions"], report["retained_by_lock"], report["failed"]) == (0, 2, 0)
    assert world.vault.markers(bucket) == [f"data/{bucket}/k002"]  # what it hides is there still
    world.check(point, exact=False)
    if world.simulated:
        world.day(3)
        assert world.prune()["markers"] == 1
        world.check(point)


def test_locks_of_what_points_need_are_extended(s3sim, vaultferry):
    world = Locked(s3sim, vaultferry, {"keep": {"last": 1}, "grace_days": 0},
        {"lock": {"mode": "governance", "days": 9, "extend": True}})
    bucket = world.bucket(actions=())
    world.fill(bucket, 5)
    world.put(bucket, "long " + "a" * 1015)
    world.grant_documents(bucket)
    world.back_up()
    world.put(bucket, "k001", b"other")
    point = world.back_up()

    def ends():
        return {(entry["Key"], entry["VersionId"]): world.owner.get_object_retention(Bucket=world.vault_bucket,
            Key=entry["Key"], VersionId=entry["VersionId"])["Retention"]["RetainUntilDate"]
            for folder in ("data", "names", "points") for entry in world.vault.versions(folder)
            if not entry["Key"].endswith("forgotten.json")}
    before = ends()
    world.day(1)
    world.prune()
    assert ends() == before  # there is time enough
    world.day(7)
    locks = world.prune()["sources"][0]["locks"]
    after = ends()
    needed = {version for version, _ in world.taken[point].values()}
    moved = {key for key in before if after[key] > before[key]}
    assert {version for path, version in moved if path.startswith("data")} == needed
    assert {path.split("/")[0] for path, _ in moved} == {"data", "data-long", "names", "points"} & {path.split("/")[0]
        for path, _ in before}
    assert (locks["extended"], locks["failed"]) == (len(moved), 0)
    world.check(point, exact=False)


def test_a_vault_with_a_prefix_is_pruned_below_it(sim):
    sim.more = {"prefix": "deep/er/"}
    sim.grant_prune()
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    sim.put(bucket, "b" * 1015)
    for day in range(3):
        sim.day(day)
        sim.put(bucket, "same key", f"day {day}".encode())
        if day == 1:
            sim.source.delete_object(Bucket=bucket, Key="b" * 1015)
        sim.run()
    sim.rules["keep"] = {"last": 1}
    report = sim.prune()
    assert (report["forgotten"], report["versions"], report["markers"], report["failed"]) == (2, 3, 1, 0)
    assert sim.do("verify")["problems"] == []
    assert sim.vault.versions(f"deep/er/names/{bucket}/") == []
    assert [entry["Key"] for entry in sim.vault.versions("prune/")] == []
    assert len(sim.vault.versions(f"deep/er/prune/{bucket}/record.json")) == 1


def test_a_well_formed_point_of_a_time_to_come_stops_nothing(s3sim, vaultferry):
    world = Pruned(s3sim, vaultferry, {"delete_after_days": 3, "grace_days": 0, "schedule": "cron(0 3 * * ? *)"})
    bucket = world.bucket()
    world.day(-9)
    world.fill(bucket, 9)
    world.back_up()
    newest = world.back_up()
    said = json.loads(world.vault.read(f"points/{bucket}/{newest}/point.json"))
    link = {"point": newest, "sha256": world.vault.points(bucket)[-1].sha256}
    forged = said | {"point": "20990101T000000Z", "files": [], "started": "2099-01-01T00:00:00Z",
        "finished": "2099-01-01T00:00:01Z", "predecessor": link}
    world.owner.put_object(Bucket=world.vault_bucket, Key=f"points/{bucket}/20990101T000000Z/point.json",
        Body=json.dumps(forged).encode())
    world.day(-8)
    world.put(bucket, "k003", b"another")
    assert world.run("--due")["copied"] + world.do("plan")["sources"][0]["would_copy"] == 0  # it was recopied
    last = world.do("points")["points"][-1]["point"]
    assert newest < last < "2099"
    [status] = world.do("status", "--max-age", "26h")["sources"]
    assert status["point"] == last and not status["stale"]
    world.day(0)
    world.put(bucket, "k004", b"another")
    assert world.run("--due")["recopied"] == 1
    done = world.prune("--accept", bucket, exit=2)  # the forged point is told
    assert done["forgotten"] == 3 and done["versions"] == 2
    assert world.do("restore", "--source", bucket, "--to", str(vaultferry.folder / "back"))["restored"] == 9
    s3sim.control("POST", "/_s3sim/reset")
