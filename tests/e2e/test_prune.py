"""What prune takes away, and what never. The judge is boto3: it noted what the vault held after each run, and reads
every version that a kept point needs."""

import json
import signal

import pytest
from world import EXTERNAL_ID, World, document, fails, listing

DAY = 86400


class Pruned(World):
    """A third role, with exactly the rights that the program prints for it; and a clock that moves days."""

    def __init__(self, server, vaultferry, policy=None, vault=None):
        super().__init__(server, vaultferry)
        self.policy, self.more = policy or {"keep": {"last": 2}, "grace_days": 0}, vault or {}
        self.prune_role = self.vault_role.replace("vaultferry-vault", "vaultferry-prune")
        self.grant_prune()
        self.taken = {}  # {point: {key: (version, body)}}
        self.today = 0

    def grant_prune(self):
        policy = self.do("policy", "prune-role", config=self.config("no-such-bucket"))["policy"]
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
        return super().config(*buckets, policy={"delete_after_days": None} | self.policy | (policy or {}),
            vault={"prune_role_arn": self.prune_role} | self.more | (vault or {}), **top)

    def day(self, day):
        self.today = day
        if self.simulated:
            self.clock(day * DAY)

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


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Pruned(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def world(server, vaultferry):
    return Pruned(server, vaultferry)


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
    sim.policy["grace_days"] = 7
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
