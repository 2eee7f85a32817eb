"""s3sim's lifecycle rules by its settable clock, judged by boto3: times and precedences as S3's documents
state them."""
import base64
import datetime
import hashlib

import pytest
from botocore.exceptions import ClientError
from world import World

DAY = 86400
NOON = datetime.datetime(2031, 3, 1, 12, tzinfo=datetime.UTC)


class Rulesets(World):
    """One versioned bucket; days are counted from a noon."""

    def at(self, days):
        now = NOON + datetime.timedelta(days=days)
        self.server.control("POST", "/_s3sim/clock", {"now": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "accept_real_time": True})

    def rules(self, *rules):
        self.owner.put_bucket_lifecycle_configuration(Bucket=self.vault_bucket, LifecycleConfiguration={"Rules":
            [{"ID": f"r{i}", "Status": "Enabled", "Filter": {"Prefix": ""}} | rule for i, rule in enumerate(rules)]})

    def step(self, days):
        self.at(days)
        self.server.control("POST", "/_s3sim/lifecycle", {"bucket": self.vault_bucket})

    def make(self, key, size=200_000, **more):
        return self.owner.put_object(Bucket=self.vault_bucket, Key=key, Body=bytes(size), **more)["VersionId"]

    def classes(self):
        """{key: class} of what a listing shows."""
        return {one["Key"]: one["StorageClass"] for one in
            self.owner.list_objects_v2(Bucket=self.vault_bucket).get("Contents", [])}

    def history(self, key):
        """Versions, newest first: (class, or None for a marker)."""
        page = self.owner.list_object_versions(Bucket=self.vault_bucket, Prefix=key)
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        entries.sort(key=lambda one: (one["IsLatest"], one["LastModified"]), reverse=True)
        return [one.get("StorageClass") for one in entries]


@pytest.fixture
def bucket(s3sim, vaultferry):
    world = Rulesets(s3sim, vaultferry)
    world.at(0)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def to(class_, days):
    return {"Days": days, "StorageClass": class_}


def test_an_object_moves_at_the_midnight_after_its_days_and_stays_the_same(bucket):
    bucket.rules({"Transitions": [to("STANDARD_IA", 30), to("GLACIER", 60), to("DEEP_ARCHIVE", 180)]})
    bucket.make("k", Metadata={"a": "b"})
    before = bucket.owner.head_object(Bucket=bucket.vault_bucket, Key="k")
    for days, class_ in ((29.9, "STANDARD"), (30.4, "STANDARD"), (30.5, "STANDARD_IA"), (60.4, "STANDARD_IA"),
        (60.5, "GLACIER"), (180.4, "GLACIER"), (180.5, "DEEP_ARCHIVE"), (999, "DEEP_ARCHIVE")):
        bucket.step(days)
        assert bucket.classes() == {"k": class_}, days
    after = bucket.owner.head_object(Bucket=bucket.vault_bucket, Key="k")
    assert after["StorageClass"] == "DEEP_ARCHIVE"
    for name in ("ETag", "VersionId", "LastModified", "Metadata"):
        assert before[name] == after[name]


def test_nothing_moves_upwards_and_the_colder_class_wins(bucket):
    bucket.rules({"Transitions": [to("STANDARD_IA", 30)]}, {"Transitions": [to("GLACIER", 30)]})
    bucket.make("cold", StorageClass="DEEP_ARCHIVE")
    bucket.make("zone", StorageClass="ONEZONE_IA")
    bucket.make("k")
    bucket.step(31)
    assert bucket.classes() == {"cold": "DEEP_ARCHIVE", "zone": "GLACIER", "k": "GLACIER"}


def test_filters_by_prefix_tag_and_size_are_kept(bucket):
    both = {"And": {"Prefix": "a/", "Tags": [{"Key": "x", "Value": "1"}, {"Key": "y", "Value": ""}]}}
    sizes = {"And": {"Prefix": "b/", "ObjectSizeGreaterThan": 100, "ObjectSizeLessThan": 200}}
    bucket.rules({"Filter": both, "Transitions": [to("GLACIER", 1)]},
        {"Filter": sizes, "Transitions": [to("GLACIER", 1)]},
        {"Filter": {"ObjectSizeGreaterThan": 5_000_000}, "Transitions": [to("DEEP_ARCHIVE", 1)]})
    bucket.make("a/one", Tagging="x=1")
    bucket.make("a/two", Tagging="x=1&y=&z=3")
    for size in (100, 101, 199, 200):
        bucket.make(f"b/{size}", size)
    bucket.make("other", Tagging="x=1&y=")
    bucket.step(3)
    assert {key for key, class_ in bucket.classes().items() if class_ == "GLACIER"} == {"a/two", "b/101", "b/199"}


def test_small_objects_stay_unless_a_filter_or_the_bucket_says_otherwise(bucket):
    rule = {"Transitions": [to("GLACIER", 1)]}
    bucket.make("small", 1000)
    bucket.make("large", 128 * 1024)
    bucket.rules(rule)
    bucket.step(2)
    assert bucket.classes() == {"small": "STANDARD", "large": "GLACIER"}
    bucket.rules({"Transitions": [to("STANDARD_IA", 30)]} | {"Filter": {"ObjectSizeGreaterThan": 0}})
    bucket.step(31)
    assert bucket.classes() == {"small": "STANDARD_IA", "large": "GLACIER"}


def test_noncurrent_versions_count_from_the_day_they_were_replaced(bucket):
    bucket.rules({"NoncurrentVersionTransitions": [{"NoncurrentDays": 10, "StorageClass": "GLACIER"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 20, "NewerNoncurrentVersions": 1}})
    bucket.make("k")
    bucket.at(100)
    bucket.make("k")
    bucket.step(105)
    assert bucket.history("k") == ["STANDARD", "STANDARD"]
    bucket.step(111)
    assert bucket.history("k") == ["STANDARD", "GLACIER"]
    bucket.make("k")
    bucket.step(121)
    assert bucket.history("k") == ["STANDARD", "STANDARD"]  # the oldest is gone: one newer noncurrent one is there
    bucket.step(122)
    assert bucket.history("k") == ["STANDARD", "GLACIER"]
    bucket.step(400)
    assert bucket.history("k") == ["STANDARD", "GLACIER"]


def test_expiry_puts_a_marker_then_ends_what_it_hides_and_then_the_marker(bucket):
    bucket.rules({"Filter": {"Prefix": "lease/"}, "Expiration": {"Days": 5},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 3}})
    bucket.make("lease/1")
    bucket.make("data/1")
    bucket.step(6)
    assert bucket.history("lease/1") == [None, "STANDARD"] and "data/1" in bucket.classes()
    bucket.step(10)
    assert bucket.history("lease/1") == [None]
    bucket.step(12)
    assert bucket.history("lease/1") == []


def test_markers_that_hide_nothing_go_when_a_rule_asks_for_it(bucket):
    bucket.rules({"Expiration": {"ExpiredObjectDeleteMarker": True}})
    version = bucket.make("k")
    bucket.make("l")
    for key in "kl":
        bucket.owner.delete_object(Bucket=bucket.vault_bucket, Key=key)
    bucket.owner.delete_object(Bucket=bucket.vault_bucket, Key="k", VersionId=version)
    bucket.step(1)
    assert bucket.history("k") == [] and bucket.history("l") == [None, "STANDARD"]


def test_locked_versions_are_moved_and_never_ended(bucket):
    name = f"locked-{bucket.tag}"
    bucket.owner.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    bucket.vault_bucket = name
    bucket.rules({"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    body = bytes(200_000)
    bucket.owner.put_object(Bucket=name, Key="k", Body=body, ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=NOON + datetime.timedelta(days=50),
        ContentMD5=base64.b64encode(hashlib.md5(body).digest()).decode())
    bucket.make("k")
    bucket.step(10)
    assert bucket.history("k") == ["STANDARD", "GLACIER"]
    bucket.step(51)
    assert bucket.history("k") == ["STANDARD"]


def test_uploads_that_nobody_goes_on_with_are_aborted(bucket):
    bucket.rules({"Filter": {"Prefix": "data/"}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}})
    for key in ("data/k", "other/k"):
        bucket.owner.create_multipart_upload(Bucket=bucket.vault_bucket, Key=key)
    left = []
    for days in (6, 8):
        bucket.step(days)
        page = bucket.owner.list_multipart_uploads(Bucket=bucket.vault_bucket)
        left.append([one["Key"] for one in page.get("Uploads", [])])
    assert left == [["data/k", "other/k"], ["other/k"]]


def test_rules_that_are_disabled_or_taken_away_do_nothing(bucket):
    bucket.rules({"Status": "Disabled", "Transitions": [to("GLACIER", 1)], "Expiration": {"Days": 1}})
    bucket.make("k")
    bucket.step(5)
    assert bucket.classes() == {"k": "STANDARD"}
    bucket.owner.delete_bucket_lifecycle(Bucket=bucket.vault_bucket)
    bucket.step(6)
    assert bucket.classes() == {"k": "STANDARD"}


@pytest.mark.parametrize("rule", [{"Transitions": [to("STANDARD_IA", 29)]}, {"Transitions": [to("STANDARD", 30)]},
    {"Expiration": {"Days": 0}}, {"Status": "On"}, {"ID": "x" * 256},
    {"Filter": {"ObjectSizeGreaterThan": 1}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
    {"Filter": {"Prefix": "a", "ObjectSizeGreaterThan": 1}, "Expiration": {"Days": 1}}])
def test_what_s3_does_not_take_is_refused(bucket, rule):
    with pytest.raises(ClientError) as refused:
        bucket.rules(rule)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_two_rules_of_one_name_are_refused(bucket):
    with pytest.raises(ClientError) as refused:
        bucket.rules({"ID": "r1", "Expiration": {"Days": 1}}, {"Expiration": {"Days": 2}})
    assert "same ID" in str(refused.value)
