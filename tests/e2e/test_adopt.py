"""What a run after an unclean end takes for a copy that is there already, and what never. Judged by boto3, which reads
the bytes."""
import shutil

import pytest
from world import World

pytestmark = pytest.mark.s3sim
HOUR = 3600
DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}


class Attacked(World):
    """A bucket whose objects were replaced by others of the same size, and got back by taking those versions away: what
    is there then is older than the vault's copies."""

    def upload(self, bucket, key, body):
        """In one part: its ETag says nothing of its content."""
        at = {"Bucket": bucket, "Key": key}
        upload = self.source.create_multipart_upload(**at)["UploadId"]
        part = self.source.upload_part(**at, UploadId=upload, PartNumber=1, Body=body)
        self.source.complete_multipart_upload(**at, UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})

    def write(self, bucket, word):
        self.put(bucket, "ledger", word * 100)
        self.upload(bucket, "parts", word * 200)
        self.put(bucket, "key of KMS", word * 50, ServerSideEncryption="aws:kms")

    def attack(self):
        bucket = self.bucket(versioned=True)
        self.write(bucket, b"good")
        self.run()
        self.clock(HOUR)
        self.write(bucket, b"evil")
        return bucket

    def give_back(self, bucket):
        self.clock(2 * HOUR)
        for entry in self.source.list_object_versions(Bucket=bucket)["Versions"]:
            if entry["IsLatest"]:
                self.source.delete_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])

    def judge(self, bucket, *keys):
        for key in keys:
            body = self.vault.read(f"data/{bucket}/{key}")
            assert set(body[i:i + 4] for i in range(0, len(body), 4)) == {b"good"}, key


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Attacked(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def test_resync_copies_what_was_given_back(sim):
    bucket = sim.attack()
    sim.run()
    sim.give_back(bucket)
    assert sim.do("resync")["sources"][0]["adopted"] == 0
    sim.judge(bucket, "ledger", "parts", "key of KMS")
    sim.vault.check(bucket)


def test_run_after_one_without_a_point_copies_what_was_given_back(sim):
    bucket = sim.attack()
    sim.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "skip": 1} | DENIED)
    sim.run(exit=5)
    sim.heal()
    sim.give_back(bucket)
    assert sim.run()["adopted"] == 0
    sim.judge(bucket, "ledger", "parts", "key of KMS")
    sim.vault.check(bucket)


def test_disaster_copies_what_has_another_sum(sim):
    """Nothing is recorded any more: only the sum says that it is another content."""
    bucket = sim.attack()
    sim.run()
    sim.give_back(bucket)
    sim.vault.remove(f"points/{bucket}/")
    shutil.rmtree(sim.vaultferry.state)
    sim.run()
    sim.judge(bucket, "ledger")
    sim.vault.check(bucket)


def test_copy_under_a_key_is_adopted_by_its_size_and_time(sim):
    """Its ETag is another one than the source's, although it is a copy of it."""
    bucket = sim.bucket()
    sim.put(bucket, "key of KMS", ServerSideEncryption="aws:kms")
    sim.upload(bucket, "parts", b"p" * 100)
    sim.put(bucket, "plain")
    sim.clock(HOUR)
    sim.run()
    etag = sim.source.head_object(Bucket=bucket, Key="key of KMS")["ETag"].strip('"')
    assert sim.vault.live(bucket)["key of KMS"]["ETag"].strip('"') != etag
    sim.vault.remove(f"points/{bucket}/")
    shutil.rmtree(sim.vaultferry.state)
    assert sim.run()["adopted"] == 3
    assert set(sim.vault.copies(bucket).values()) == {1}
