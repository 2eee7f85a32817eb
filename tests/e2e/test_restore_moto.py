"""A restore from a vault that moto holds: archive classes, thaws and copies as others understood AWS."""

import pytest

KEYS = ("vaultkeyvaultkey", "secretsecretsecret")
CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER", "DEEP_ARCHIVE")


class Cloud:
    def __init__(self, moto, vaultferry):
        moto.reset()
        self.url, self.vaultferry = moto.url, vaultferry
        self.client = moto.client(*KEYS)
        for bucket in ("vault", "back"):
            self.client.create_bucket(Bucket=bucket)
        self.client.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})

    def __call__(self, *words, exit=0):
        config = {"vault": {"bucket": "vault", "region": "us-east-1", "endpoint": self.url, "path_style": True}}
        env = {"AWS_ACCESS_KEY_ID": KEYS[0], "AWS_SECRET_ACCESS_KEY": KEYS[1]}
        result = self.vaultferry("--json", *words, config=config, env=env)
        assert result.returncode == exit, result
        return result.json

    def bodies(self, bucket, prefix=""):
        found = self.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {one["Key"]: self.client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found}


@pytest.fixture
def cloud(moto, vaultferry):
    return Cloud(moto, vaultferry)


def test_objects_of_all_classes_come_back_with_what_belongs_to_them(cloud):
    bodies = {}
    for class_ in CLASSES:
        for i in range(3):
            key = f"{class_.lower()}/{i}"
            bodies[key] = key.encode()
            cloud.client.put_object(Bucket="vault", Key=f"data/docs/{key}", Body=bodies[key], StorageClass=class_,
                Metadata={"n": str(i)}, Tagging="a=b", ContentType="text/x")
    cloud.client.put_object(Bucket="vault", Key="data/docs/standard/0", Body=b"newer")
    cloud.client.delete_object(Bucket="vault", Key="data/docs/standard/1")
    words = ("restore", "--source", "docs", "--from-versions", "--to", "s3://back/p/", "--thaw", "bulk")
    report = cloud(*words, "--dry-run")
    assert report["would_thaw"] == 6 and cloud.bodies("back") == {}
    report = cloud(*words)
    assert (report["restored"], report["failed"]) == (11, 0)
    del bodies["standard/1"]
    assert cloud.bodies("back") == {"p/" + key: body for key, body in (bodies | {"standard/0": b"newer"}).items()}
    for key in ("deep_archive/2", "standard_ia/1"):
        head = cloud.client.head_object(Bucket="back", Key=f"p/{key}")
        assert head["Metadata"] == {"n": key[-1]} and head["ContentType"] == "text/x" and "StorageClass" not in head
        tags = cloud.client.get_object_tagging(Bucket="back", Key=f"p/{key}")["TagSet"]
        assert tags == [{"Key": "a", "Value": "b"}]
    report = cloud(*words)
    assert (report["restored"], report["equal"]) == (0, 11)


def test_a_tier_that_the_class_does_not_have_is_told(cloud):
    cloud.client.put_object(Bucket="vault", Key="data/docs/k", Body=b"x", StorageClass="DEEP_ARCHIVE")
    report = cloud("restore", "--source", "docs", "--from-versions", "--to", "s3://back/", "--thaw", "expedited",
        exit=2)
    assert "expedited" in report["failures"][0]["message"]


def test_views_of_a_vault_that_moto_holds(cloud):
    for i in range(3):
        cloud.client.put_object(Bucket="vault", Key=f"data/docs/k{i}", Body=b"x")
    cloud.client.delete_object(Bucket="vault", Key="data/docs/k1")
    assert [one["key"] for one in cloud("ls", "--source", "docs", "--from-versions")["objects"]] == ["k0", "k2"]
