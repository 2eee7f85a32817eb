"""A vault that moto holds: runs, archive classes, thaws and copies as others understood AWS."""

import pytest

KEYS = ("vaultkeyvaultkey", "secretsecretsecret")
CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER", "DEEP_ARCHIVE")


class Cloud:
    sources = []

    def __init__(self, moto, vaultferry):
        moto.reset()
        self.url, self.vaultferry = moto.url, vaultferry
        self.client = moto.client(*KEYS)
        for bucket in ("vault", "back"):
            self.client.create_bucket(Bucket=bucket)
        self.client.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})

    def __call__(self, *words, exit=0):
        config = {"vault": {"bucket": "vault", "region": "us-east-1", "endpoint": self.url, "path_style": True},
            "sources": self.sources, "policies": {"p": {"delete_after_days": 35}}}
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


def test_runs_follow_each_other_at_once_here_and_on_another_machine(cloud):
    cloud.sources = [{"region": "us-east-1", "endpoint": cloud.url, "path_style": True, "policy": "p",
        "select": {"buckets": ["docs"]}}]
    cloud.client.create_bucket(Bucket="docs")
    cloud.client.put_object(Bucket="docs", Key="k0", Body=b"0")
    for turn in range(1, 5):
        if turn != 2:  # a point without a log of its own
            cloud.client.put_object(Bucket="docs", Key=f"k{turn}", Body=b"x")
        words = ("--state-dir", cloud.vaultferry.folder / "another") if turn in (1, 3) else ()
        report = cloud(*words, "run")["sources"][0]
        assert (report["state"], report["copied"]) == ("complete", 2 if turn == 1 else 0 if turn == 2 else 1), report
    points = cloud("points")["points"]
    assert [one["objects"] for one in points] == [2, 2, 3, 4]
    assert cloud("verify")["problems"] == []
    assert len(cloud.bodies("vault", "data/docs/")) == 4
