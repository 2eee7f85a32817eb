"""Object Lock: what is written to the vault is locked, and who may write it can neither end nor weaken that."""
import datetime

import pytest
from botocore.exceptions import ClientError
from test_policy import Least, assumed
from world import Vault, moment

DAYS = 10
DAY = 86400


class Locked(Least):
    """A vault whose bucket can lock, written by exactly the printed role."""

    def __init__(self, server, vaultferry):
        super().__init__(server, vaultferry)
        self.vault_bucket = f"locked-{self.tag}"
        self.owner.create_bucket(Bucket=self.vault_bucket, ObjectLockEnabledForBucket=True)
        self.vault = Vault(self.owner, self.vault_bucket)

    def config(self, *buckets, vault=None, lock=None, **top):
        lock = {"mode": "governance", "days": DAYS} | (lock or {})
        return super().config(*buckets, vault={"lock": lock} | (vault or {}), **top)

    def retention(self, entry):
        """(mode, end) of a version, as boto3 sees it; None where it has none."""
        try:
            found = self.owner.get_object_retention(Bucket=self.vault_bucket, Key=entry["Key"],
                VersionId=entry["VersionId"])["Retention"]
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("NoSuchObjectLockConfiguration",
                "ObjectLockConfigurationNotFoundError"), error
            return None
        return found["Mode"], found["RetainUntilDate"]

    def locks(self, *prefixes):
        """{(key, version): (mode, end)} of all versions under the prefixes."""
        return {(one["Key"], one["VersionId"]): self.retention(one) for prefix in prefixes
            for one in self.vault.versions(prefix) if not one["Marker"]}

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=getattr(self, "passed", 0))


@pytest.fixture
def world(server, vaultferry):
    return Locked(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Locked(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_all_that_is_written_is_locked_until_one_end(world):
    bucket = world.bucket(actions=())
    world.fill(bucket, 6)
    world.put(bucket, "l" * 1024, b"a long name")
    world.grant_documents(bucket)
    report = world.run()
    assert (report["copied"], report["failed"]) == (7, 0), report
    locks = world.locks("data", "names/", "points/")
    assert len(locks) == 10 and all(locks.values()), locks
    ends = {end for _, end in locks.values()}
    assert len(ends) == 1 and {mode for mode, _ in locks.values()} == {"GOVERNANCE"}
    started = next(point for point in world.vault.points(bucket))["started"]
    assert ends.pop() == moment(started).replace(microsecond=0) + datetime.timedelta(days=DAYS)
    assert not any(world.locks("lease/").values())
