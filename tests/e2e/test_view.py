"""The vault at a point and at a time: ls and diff, from points and from versions alone, judged by boto3."""
import datetime
import hashlib
import shutil
import time

import pytest
from world import World, listing, moment

LONG = "long/" + "k" * 1015  # its path in the vault is longer than a key may be
FOLLOWING = "long/" + "k" * 1000


class History(World):
    """Runs and what the source held after each, as boto3 listed it."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.points = []  # (id, finished, {key: (etag, size)})

    def alone(self):
        """The config reduced to the vault."""
        config = self.config("unused")
        return {"vault": config["vault"]}

    def tick(self):
        """Times have whole seconds: what happens next happens later."""
        self.later()
        if not self.simulated:
            time.sleep(1.2)

    def record(self, bucket):
        report = self.run()
        assert report["state"] == "complete"
        point = self.vault.points(bucket)[-1]
        assert report["point"] == point.id
        self.points.append((point.id, point["finished"], listing(self.source, bucket)))
        self.tick()

    def remove(self, bucket, *keys):
        for key in keys:
            self.source.delete_object(Bucket=bucket, Key=key)

    def make(self, bucket):
        """Adds, overwrites, deletes, deletes followed by a new object, a renamed prefix, long keys."""
        for key in ("a", "a/b", "b", "c", "../../etc/x", "ü ß", LONG, FOLLOWING, "old/1", "old/2", "quote\"\\"):
            self.put(bucket, key)
        self.record(bucket)
        self.put(bucket, "a", b"overwritten")
        self.put(bucket, LONG, b"overwritten")
        self.put(bucket, "d")
        self.remove(bucket, "b", "c")
        self.record(bucket)
        self.put(bucket, "c", b"made again")
        self.remove(bucket, LONG)
        self.record(bucket)
        for name in "12":
            self.source.copy_object(Bucket=bucket, Key=f"new/{name}",
                CopySource={"Bucket": bucket, "Key": f"old/{name}"})
            self.remove(bucket, f"old/{name}")
        self.put(bucket, LONG, b"made again")
        self.record(bucket)
        self.remove(bucket, "a", "a/b", FOLLOWING)
        self.put(bucket, "z", b"")
        self.record(bucket)

    def ls(self, bucket, *arguments, exit=0, config=None):
        document = self.do("ls", "--source", bucket, *arguments, exit=exit, config=config)
        keys = [item["key"] for item in document["objects"]]
        assert keys == sorted(keys, key=str.encode)
        assert document["total"] == {"objects": len(keys),
            "bytes": sum(item["size"] for item in document["objects"])}
        return document

    @staticmethod
    def content(document):
        return {item["key"]: (item["etag"], item["size"]) for item in document["objects"]}

    def assert_history(self, bucket, config=None, points=True):
        """At each point and at times between, from points and from versions."""
        for number, (point, finished, expected) in enumerate(self.points):
            # versions know moments, a point's view is what the run saw
            between = (moment(finished) + datetime.timedelta(milliseconds=600)).isoformat().replace("+00:00", "Z")
            seen = []
            for at in (point, finished, between) if points else (finished, between):
                if points:
                    seen.append(self.ls(bucket, "--at", at, config=config))
                    assert (seen[-1]["point"], seen[-1]["state"]) == (point, "complete")
                    assert not seen[-1]["from_versions"]
                seen.append(self.ls(bucket, "--at", at, "--from-versions", config=config))
                assert seen[-1]["from_versions"] and seen[-1]["point"] is None
            versions = None
            for document in seen:
                assert self.content(document) == expected, (number, document["from_versions"])
                now = {item["key"]: item["version"] for item in document["objects"]}
                assert versions in (None, now) and all(now.values())
                versions = now
            for key, version in versions.items():
                there = self.owner.head_object(Bucket=self.vault_bucket, Key=self.path(bucket, key),
                    VersionId=version)
                assert (there["ETag"].strip('"'), there["ContentLength"]) == expected[key]

    def path(self, bucket, key):
        live = f"data/{bucket}/{key}"
        if len(live.encode()) <= 1024:
            return live
        return f"data-long/{bucket}/{hashlib.sha256(key.encode()).hexdigest()}"

    def views(self):
        return list((self.vaultferry.state / ".views").glob("*"))


@pytest.fixture
def world(server, vaultferry):
    return History(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield History(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_every_point_of_a_history_is_the_same_from_points_and_from_versions(world):
    bucket = world.bucket()
    world.make(bucket)
    world.assert_history(bucket)
    assert world.views() == []
    shutil.rmtree(world.vaultferry.state)
    for key in listing(world.source, bucket):
        world.remove(bucket, key)
    world.source.delete_bucket(Bucket=bucket)
    world.assert_history(bucket, config=world.alone())
