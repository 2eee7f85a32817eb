"""One table of operations: each is set up and checked by boto3, and performed by s3/ (through ops_driver), on every
server. What a server cannot do is in GAPS by name."""
import base64
import hashlib
import json
import subprocess
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from ops import Driver

MIB = 1 << 20
CASES = {}  # name: (operation, function)

NO_OWNER = "expected bucket owners are ignored"
NO_PARTS = "partNumber is ignored"
NO_CHECKSUM = "x-amz-checksum headers are ignored"

# server: {case: why}. The case is run all the same, and has to fail as long as the gap is there.
GAPS = {
    "s3sim": {
        "put_sets_metadata_without_a_value": "libmicrohttpd sends no header without a value",
    },
    "rgw": {
        "list_buckets_pages": "no pages, no prefix",
        "head_bucket_of_another_owner_is_denied": NO_OWNER,
        "list_of_another_owner_is_denied": NO_OWNER,
        "put_for_another_owner_is_denied": NO_OWNER,
        "copy_from_or_to_another_owner_is_denied": NO_OWNER,
        "head_of_a_part": NO_PARTS,
        "get_of_a_part": NO_PARTS,
        "head_with_the_checksum": NO_CHECKSUM,
        "put_with_a_checksum": NO_CHECKSUM,
        "copy_with_a_checksum": NO_CHECKSUM,
        "get_of_an_archived_object_is_archived": "archived objects stay readable",
        "copy_of_an_archived_object_is_archived": "archived objects stay readable",
        "put_if_match_replaces_what_was_seen": "If-Match holds only for an ETag without quotes",
        "put_if_none_match_creates_once_in_a_versioned_bucket": "conditions are ignored in versioned buckets",
        "put_with_encryption": "SSE-S3 is ignored",
        "copy_names_both_versions": "CopyObject answers without version ids",
        "copy_replaces_tags": "the tagging directive is ignored",
        "copy_only_what_was_listed": "CopyObject ignores copy-source-if-match",
        "copy_only_by_time": "CopyObject ignores copy-source-if-unmodified-since",
        "copy_if_none_match_creates_once": "CopyObject ignores If-None-Match",
        "copy_with_a_lock": "lock headers on CopyObject are ignored",
        "lock_is_switched_on_for_a_bucket_that_is_there": "a bucket can lock from its creation on, or never",
        "copy_with_encryption": "encryption headers on CopyObject are ignored",
        "copy_with_a_kms_key": "encryption headers on CopyObject are ignored",
        "restore_thaws_an_archived_object": "no RestoreObject",
        "restore_that_is_asked_for_again_is_no_error": "no RestoreObject",
        "restore_of_a_version": "no RestoreObject",
        "restore_is_told_by_listings": "no RestoreObject",
        "restore_of_what_is_not_archived_is_refused": "no RestoreObject",
        "restore_of_nothing_is_not_found": "no RestoreObject",
        "restore_by_a_tier_that_the_class_lacks_is_refused": "no RestoreObject",
        "upload_carries_tags": "CreateMultipartUpload drops x-amz-tagging",
        "complete_says_etag_and_version": "Complete answers with an empty ETag",
        "complete_of_no_upload_is_not_found": "a Complete without its upload is answered with 500",
        "complete_with_another_size_is_refused": "x-amz-mp-object-size is ignored",
        "complete_if_none_match_creates_once": "Complete ignores If-None-Match",
        "part_copy_of_a_changed_object_is_changed": "UploadPartCopy ignores conditions",
        "uploads_are_listed_in_pages": "ListMultipartUploads encodes keys without saying so",
        "role_with_an_external_id": "a condition on sts:ExternalId never holds",
        "caller_identity_is_named": "no GetCallerIdentity",
    },
    "moto": {
        "list_buckets_pages": "no pages",
        "head_bucket_of_another_owner_is_denied": NO_OWNER,
        "list_of_another_owner_is_denied": NO_OWNER,
        "put_for_another_owner_is_denied": NO_OWNER,
        "copy_from_or_to_another_owner_is_denied": NO_OWNER,
        "bucket_tags_of_all_alphabets": "an empty value of a bucket's tag is left out",
        "object_tags_of_all_alphabets": "tag values are ASCII",
        "versions_say_what_boto3_says": "delete markers are listed after all versions, not with their keys",
        "head_with_the_checksum": "no checksum without x-amz-sdk-checksum-algorithm",
        "put_with_a_checksum": "no checksum without x-amz-sdk-checksum-algorithm",
        "get_of_a_part": "GET ignores partNumber",
        "put_with_content_md5": "Content-MD5 is not checked",
        "copy_only_what_was_listed": "CopyObject ignores conditions on the source",
        "copy_only_by_time": "CopyObject ignores conditions on the source",
        "copy_if_none_match_creates_once": "CopyObject ignores If-None-Match",
        "copy_with_a_lock": "CopyObject with a lock wants a Content-MD5",
        "retention_is_set_and_only_ever_extended": "PutObjectRetention takes an earlier end",
        "retention_is_read_of_a_version": "GetObjectRetention answers with the object",
        "restore_of_a_version": "RestoreObject ignores the version",
        "restore_is_told_by_listings": "listings have no RestoreStatus",
        "restore_by_a_tier_that_the_class_lacks_is_refused": "any tier is taken",
        "delete_many_tells_which_were_locked": "DeleteObjects leaves the version out of its errors",
        "complete_of_no_upload_is_not_found": "a Complete without its upload is answered with 500",
        "complete_with_another_size_is_refused": "x-amz-mp-object-size is ignored",
        "part_copy_of_a_changed_object_is_changed": "UploadPartCopy ignores conditions",
        "parts_are_listed_in_pages": "the answer's root is ListPartsResponse",
        "role_with_an_external_id": "AssumeRole ignores ExternalId",
        "session_policy_narrows": "policies of sessions are not enforced",
        "wrong_secret_is_denied_at_once": "signatures are not checked",
    },
}


def case(operation):
    def add(function):
        assert function.__name__ not in CASES
        CASES[function.__name__] = (operation, function)
        return function
    return add


class World:
    """One server as one case sees it: s3 is boto3 as the bucket's owner, driver is s3/ with the same keys."""

    def __init__(self, server, build_dir):
        self.server = server
        self.build_dir = build_dir
        self.keys = server.source_owner
        self.s3 = server.client(*self.keys)
        self.drivers = []
        self.driver = self.new_driver()

    def new_driver(self, keys=None, **options):
        self.drivers.append(Driver(self.build_dir, self.server, keys or self.keys, **options))
        return self.drivers[-1]

    def close(self):
        for driver in self.drivers:
            driver.close()

    def call(self, operation, **fields):
        return self.driver.call(operation, **fields)

    def ok(self, operation, **fields):
        return self.driver.ok(operation, **fields)

    def bucket(self, versioned=False, **options):
        name = f"ops-{uuid.uuid4().hex[:14]}"
        self.s3.create_bucket(Bucket=name, **options)
        if versioned:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def put(self, bucket, key, body=b"body", **options):
        return self.s3.put_object(Bucket=bucket, Key=key, Body=body, **options)

    def head(self, bucket, key, **options):
        return self.s3.head_object(Bucket=bucket, Key=key, **options)

    def body(self, bucket, key, **options):
        return self.s3.get_object(Bucket=bucket, Key=key, **options)["Body"].read()

    def tags(self, bucket, key, **options):
        found = self.s3.get_object_tagging(Bucket=bucket, Key=key, **options)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def exists(self, bucket, key, **options):
        try:
            self.head(bucket, key, **options)
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 405)
            return False
        return True

    def role(self, external_id=None):
        """A role of the server that may do anything, assumed by self.keys or by the agent."""
        name = f"ops-{uuid.uuid4().hex[:10]}"
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        if self.server.name == "s3sim":
            self.server.control("POST", "/_s3sim/roles", {"account": self.server.source_account, "name": name,
                "policy": everything, "trust": [f"arn:aws:iam::{self.server.source_account}:root"],
                **({"external_id": external_id} if external_id else {})})
            return f"arn:aws:iam::{self.server.source_account}:role/{name}"
        iam = self.server.client(*self.keys, service="iam")
        statement = {"Effect": "Allow", "Action": ["sts:AssumeRole"],
            "Principal": {"AWS": [f"arn:aws:iam::{self.server.source_account}:user/agent"]}}
        if external_id:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(everything, separators=(",",
            ":")))
        return arn


def fails(answer, status, code=None, http=None):
    """The decision, and an error whose fields are filled."""
    assert answer.status == status, answer
    assert answer.error["operation"], answer
    if code:
        assert answer.error["code"] in ((code,) if isinstance(code, str) else code), answer
    if http:
        assert answer.error["http_status"] == http, answer


def etag(answer):
    return answer["ETag"].strip('"')


def seconds(moment):
    return int(moment.timestamp())


# ---- buckets

@case("ListBuckets")
def list_buckets_names_all(w):
    names = sorted(w.bucket() for _ in range(3))
    listed = w.ok("ListBuckets")["buckets"]
    assert set(names) <= {one["name"] for one in listed}
    assert all(one["created_ms"] > 1_600_000_000_000 for one in listed)
    wanted = w.s3.list_buckets()["Buckets"]
    assert [one["name"] for one in listed] == [one["Name"] for one in wanted]


@case("ListBuckets")
def list_buckets_pages(w):
    names = sorted(w.bucket() for _ in range(5))
    found, token, pages = [], None, 0
    while pages == 0 or token:
        answer = w.ok("ListBuckets", prefix="ops-", max_buckets=2, page_token=token)
        assert len(answer["buckets"]) <= 2
        found += [one["name"] for one in answer["buckets"]]
        token, pages = answer["next_token"], pages + 1
    assert pages > 2 and len(found) == len(set(found)) and set(names) <= set(found)
    assert all(name.startswith("ops-") for name in found)


@case("HeadBucket")
def head_bucket_finds_a_bucket(w):
    answer = w.ok("HeadBucket", bucket=w.bucket())
    assert answer["region"] in ("", "us-east-1", "default")


@case("HeadBucket")
def head_bucket_misses_a_bucket(w):
    fails(w.call("HeadBucket", bucket="ops-no-such-bucket"), "NOT_FOUND", http=404)


@case("HeadBucket")
def head_bucket_of_another_owner_is_denied(w):
    bucket = w.bucket()
    w.ok("HeadBucket", bucket=bucket, expected_owner=w.server.source_account)
    fails(w.call("HeadBucket", bucket=bucket, expected_owner="999999999999"), "DENIED", http=403)


@case("GetBucketLocation")
def bucket_location_is_named(w):
    assert w.ok("GetBucketLocation", bucket=w.bucket())["region"] in ("us-east-1", "default")


@case("GetBucketVersioning")
def versioning_is_read(w):
    bucket = w.bucket()
    assert w.ok("GetBucketVersioning", bucket=bucket).result == {"enabled": False, "suspended": False}
    for state in ("Enabled", "Suspended"):
        w.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": state})
        answer = w.ok("GetBucketVersioning", bucket=bucket)
        assert answer.result == {"enabled": state == "Enabled", "suspended": state == "Suspended"}


@case("PutBucketVersioning")
def versioning_is_set(w):
    bucket = w.bucket()
    for enabled in (True, False):
        w.ok("PutBucketVersioning", bucket=bucket, enabled=enabled)
        wanted = "Enabled" if enabled else "Suspended"
        assert w.s3.get_bucket_versioning(Bucket=bucket)["Status"] == wanted


@case("GetBucketTagging")
def bucket_without_tags_has_none(w):
    assert w.ok("GetBucketTagging", bucket=w.bucket())["tags"] == []


TAGS = {"backup": "enabled", "key with space": "a+b=c/d:e@f", "x-y_z.": "1"}
ODD_TAGS = {"\u00e9": "\u65e5\u672c \U0001f4e6", "empty": ""}


@case("GetBucketTagging")
def bucket_tags_are_read(w):
    bucket = w.bucket()
    w.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in TAGS.items()]})
    assert {one["name"]: one["value"] for one in w.ok("GetBucketTagging", bucket=bucket)["tags"]} == TAGS


@case("PutBucketTagging")
def bucket_tags_are_set(w):
    bucket = w.bucket()
    w.ok("PutBucketTagging", bucket=bucket, tags=TAGS)
    found = w.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == TAGS


@case("PutBucketTagging")
def bucket_tags_of_all_alphabets(w):
    bucket = w.bucket()
    w.ok("PutBucketTagging", bucket=bucket, tags=ODD_TAGS)
    found = w.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == ODD_TAGS
    assert {one["name"]: one["value"] for one in w.ok("GetBucketTagging", bucket=bucket)["tags"]} == ODD_TAGS


@case("GetBucketDocument")
def bucket_policy_is_read_as_it_is(w):
    bucket = w.bucket()
    fails(w.call("GetBucketDocument", bucket=bucket, subresource="policy"), "NOT_FOUND", "NoSuchBucketPolicy", 404)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    w.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(w.ok("GetBucketDocument", bucket=bucket, subresource="policy")["document"]) == policy
    fails(w.call("GetBucketDocument", bucket=bucket, subresource="policy", max=20), "FULL")


@case("GetBucketDocument")
def lifecycle_is_read_as_it_is(w):
    bucket = w.bucket()
    fails(w.call("GetBucketDocument", bucket=bucket, subresource="lifecycle"), "NOT_FOUND",
        "NoSuchLifecycleConfiguration")
    w.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [{"ID": "one",
        "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}}]})
    document = w.ok("GetBucketDocument", bucket=bucket, subresource="lifecycle")["document"]
    assert b"<Days>9</Days>" in document and b"<Prefix>logs/</Prefix>" in document


# ---- lists

KEYS = ["a", "a b", "a+b", "a/1", "a/2", "a/b/3", "b//c", "z", "\u00e9", "\U0001f4e6"]


def walk(w, bucket, by_token=False, **fields):
    """All entries, page by page."""
    out, after, token = [], None, None
    for _ in range(100):
        page = w.ok("ListObjectsV2", bucket=bucket, start_after=after, page_token=token, **fields)
        out += page["entries"]
        if not page["truncated"]:
            return out
        if by_token:
            token = page["next_token"]
        else:
            after = page["entries"][-1]["key"]
    raise AssertionError("the list does not end")


@case("ListObjectsV2")
def list_says_what_boto3_says(w):
    bucket = w.bucket()
    for number, key in enumerate(KEYS):
        w.put(bucket, key, b"x" * number)
    entries = w.ok("ListObjectsV2", bucket=bucket)["entries"]
    wanted = w.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["key"] for one in entries] == KEYS == [one["Key"] for one in wanted]
    assert [one["size"] for one in entries] == [one["Size"] for one in wanted]
    assert [one["etag"] for one in entries] == [etag(one) for one in wanted]
    assert [one["modified_ms"] // 1000 for one in entries] == [seconds(one["LastModified"]) for one in wanted]
    assert {one["class"] for one in entries} <= {"STANDARD", ""}


@case("ListObjectsV2")
def list_pages_by_start_after(w):
    bucket = w.bucket()
    for key in KEYS:
        w.put(bucket, key)
    for size in (1, 3, len(KEYS) - 1, len(KEYS)):
        assert [one["key"] for one in walk(w, bucket, max_keys=size)] == KEYS


@case("ListObjectsV2")
def list_pages_by_token(w):
    bucket = w.bucket()
    for key in KEYS:
        w.put(bucket, key)
    assert [one["key"] for one in walk(w, bucket, by_token=True, max_keys=3)] == KEYS


@case("ListObjectsV2")
def list_starts_after_a_key_that_is_not_there(w):
    bucket = w.bucket()
    for key in KEYS:
        w.put(bucket, key)
    page = w.ok("ListObjectsV2", bucket=bucket, start_after="a/b/\U0010ffff")
    assert [one["key"] for one in page["entries"]] == KEYS[6:]


@case("ListObjectsV2")
def list_folds_by_prefix_and_delimiter(w):
    bucket = w.bucket()
    for key in KEYS:
        w.put(bucket, key)
    page = w.ok("ListObjectsV2", bucket=bucket, prefix="a", delimiter="/")
    assert [one["key"] for one in page["entries"]] == ["a", "a b", "a+b"]
    assert [one["prefix"] for one in page["prefixes"]] == ["a/"]
    page = w.ok("ListObjectsV2", bucket=bucket, prefix="a/", delimiter="/")
    assert [one["key"] for one in page["entries"]] == ["a/1", "a/2"]
    assert [one["prefix"] for one in page["prefixes"]] == ["a/b/"]


@case("ListObjectsV2")
def list_of_an_empty_bucket_ends(w):
    page = w.ok("ListObjectsV2", bucket=w.bucket())
    assert page["entries"] == [] and page["truncated"] is False


@case("ListObjectsV2")
def list_of_no_bucket_is_not_found(w):
    fails(w.call("ListObjectsV2", bucket="ops-no-such-bucket"), "NOT_FOUND", "NoSuchBucket", 404)


@case("ListObjectsV2")
def list_names_classes(w):
    bucket = w.bucket()
    for name in ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"):
        w.put(bucket, name, StorageClass=name)
    entries = w.ok("ListObjectsV2", bucket=bucket)["entries"]
    assert all(one["class"] == one["key"] for one in entries) and len(entries) == 3


@case("ListObjectsV2")
def list_of_another_owner_is_denied(w):
    bucket = w.bucket()
    fails(w.call("ListObjectsV2", bucket=bucket, expected_owner="999999999999"), "DENIED", http=403)


def version_rows(w, bucket):
    answer = w.s3.list_object_versions(Bucket=bucket)
    rows = [(one["Key"], one["VersionId"], one["IsLatest"], False) for one in answer.get("Versions", [])]
    rows += [(one["Key"], one["VersionId"], one["IsLatest"], True) for one in answer.get("DeleteMarkers", [])]
    return sorted(rows)


def make_versions(w):
    bucket = w.bucket(versioned=True)
    for key in ("a", "b/\u00e9 +%", "c"):
        for number in range(3):
            w.put(bucket, key, b"x" * number)
        w.s3.delete_object(Bucket=bucket, Key=key)
    w.put(bucket, "c")
    return bucket


@case("ListObjectVersions")
def versions_say_what_boto3_says(w):
    bucket = make_versions(w)
    entries = w.ok("ListObjectVersions", bucket=bucket)["entries"]
    rows = [(one["key"], one["version"], one["latest"], one["marker"]) for one in entries]
    assert sorted(rows) == version_rows(w, bucket) and len(rows) == 13
    assert [one["key"] for one in entries] == sorted(one["key"] for one in entries)
    assert [one["latest"] for one in entries if one["key"] == "a"] == [True, False, False, False]
    assert [one["size"] for one in entries if one["key"] == "a"] == [0, 2, 1, 0]


@case("ListObjectVersions")
def versions_page_by_markers(w):
    bucket = make_versions(w)
    for size in (1, 4, 5):
        rows, key, version = [], None, None
        for _ in range(20):
            page = w.ok("ListObjectVersions", bucket=bucket, max_keys=size, key_marker=key, version_marker=version)
            rows += [(one["key"], one["version"], one["latest"], one["marker"]) for one in page["entries"]]
            key, version = page["next_key"], page["next_version"]
            if not page["truncated"]:
                break
        assert sorted(rows) == version_rows(w, bucket)


@case("ListObjectVersions")
def versions_of_a_prefix(w):
    bucket = make_versions(w)
    page = w.ok("ListObjectVersions", bucket=bucket, prefix="b/\u00e9 ")
    assert {one["key"] for one in page["entries"]} == {"b/\u00e9 +%"} and len(page["entries"]) == 4


@case("ListObjectVersions")
def versions_before_versioning_are_null(w):
    bucket = w.bucket()
    w.put(bucket, "a")
    entries = w.ok("ListObjectVersions", bucket=bucket)["entries"]
    assert [(one["key"], one["version"], one["latest"]) for one in entries] == [("a", "null", True)]


# ---- head and get

CONTENT = {"ContentType": "text/x-thing", "ContentEncoding": "x-none",
    "ContentDisposition": 'attachment; filename="a b"',
    "ContentLanguage": "de-CH", "CacheControl": "max-age=9, private"}
HEADERS = {"content-type": "text/x-thing", "content-encoding": "x-none",
    "content-disposition": 'attachment; filename="a b"', "content-language": "de-CH",
    "cache-control": "max-age=9, private"}
META = {"who": "ops", "sum": "a=b; c=\"d\""}
META_HEADERS = {f"x-amz-meta-{name}": value for name, value in META.items()}


@case("HeadObject")
def head_says_what_boto3_says(w):
    bucket = w.bucket(versioned=True)
    w.put(bucket, "k", b"12345", Metadata=META, StorageClass="STANDARD_IA", **CONTENT)
    answer, wanted = w.ok("HeadObject", bucket=bucket, key="k"), w.head(bucket, "k")
    assert (answer["size"], answer["whole_size"]) == (5, 5)
    assert answer["modified"] == seconds(wanted["LastModified"])
    assert (answer["etag"], answer["version"]) == (etag(wanted), wanted["VersionId"])
    assert answer["class"] == "STANDARD_IA"
    assert answer["headers"] == HEADERS | META_HEADERS


@case("HeadObject")
def head_of_a_version(w):
    bucket = w.bucket(versioned=True)
    first = w.put(bucket, "k", b"1")["VersionId"]
    w.put(bucket, "k", b"22")
    assert w.ok("HeadObject", bucket=bucket, key="k", version=first)["size"] == 1
    assert w.ok("HeadObject", bucket=bucket, key="k")["size"] == 2


@case("HeadObject")
def head_of_nothing_is_not_found(w):
    answer = w.call("HeadObject", bucket=w.bucket(), key="no such \u00e9 key")
    fails(answer, "NOT_FOUND", http=404)
    assert (answer.error["operation"], answer.error["key"]) == ("HeadObject", "no such \u00e9 key")
    assert answer.attempts == 1


@case("HeadObject")
def head_with_conditions(w):
    bucket = w.bucket()
    tag = etag(w.put(bucket, "k"))
    w.ok("HeadObject", bucket=bucket, key="k", if_match=f'"{tag}"')
    w.ok("HeadObject", bucket=bucket, key="k", if_none_match='"other"')
    fails(w.call("HeadObject", bucket=bucket, key="k", if_match='"other"'), "CHANGED", http=412)
    fails(w.call("HeadObject", bucket=bucket, key="k", if_none_match=f'"{tag}"'), "CHANGED", http=304)


def multipart(w, bucket, key, sizes, **options):
    upload = w.s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    parts = [{"PartNumber": number, "ETag": w.s3.upload_part(Bucket=bucket, Key=key, UploadId=upload,
        PartNumber=number, Body=bytes([number]) * size)["ETag"]} for number, size in enumerate(sizes, 1)]
    return w.s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


@case("HeadObject")
def head_of_a_part(w):
    bucket = w.bucket()
    multipart(w, bucket, "k", (5 * MIB, 6 * MIB, 7))
    answer = w.ok("HeadObject", bucket=bucket, key="k", part_number=2)
    assert (answer["size"], answer["parts"]) == (6 * MIB, 3)
    assert w.ok("HeadObject", bucket=bucket, key="k")["size"] == 11 * MIB + 7


@case("HeadObject")
def head_with_the_checksum(w):
    bucket = w.bucket()
    digest = base64.b64encode(hashlib.sha256(b"body").digest()).decode()
    w.put(bucket, "k", ChecksumSHA256=digest)
    assert w.ok("HeadObject", bucket=bucket, key="k", checksum=True)["checksum"] == f"SHA256:{digest}"


@case("HeadObject")
def head_counts_tags_and_shows_locks(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    until = time.time() + 3600
    w.put(bucket, "k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=int(until),
        ContentMD5=base64.b64encode(hashlib.md5(b"body").digest()).decode(), ObjectLockLegalHoldStatus="ON")
    answer = w.ok("HeadObject", bucket=bucket, key="k")
    assert (answer["lock_mode"], answer["legal_hold"]) == ("GOVERNANCE", True)
    assert answer["lock_until"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(until))))


@case("GetObject")
def get_reads_all_bytes(w):
    bucket = w.bucket()
    for size in (0, 1, 65536, 3 * MIB + 17):
        body = bytes(range(251)) * (size // 251 + 1)
        w.put(bucket, "k", body[:size])
        answer = w.ok("GetObject", bucket=bucket, key="k")
        assert answer["body"] == body[:size] and answer["size"] == size
        assert answer["etag"] == hashlib.md5(body[:size]).hexdigest()


@case("GetObject")
def get_of_ranges(w):
    bucket = w.bucket()
    w.put(bucket, "k", b"0123456789")
    answer = w.ok("GetObject", bucket=bucket, key="k", range=[2, 4])
    assert (answer["body"], answer["size"], answer["whole_size"]) == (b"234", 3, 10)
    assert w.ok("GetObject", bucket=bucket, key="k", range=[7])["body"] == b"789"
    assert w.ok("GetObject", bucket=bucket, key="k", range=[0, 0])["body"] == b"0"
    fails(w.call("GetObject", bucket=bucket, key="k", range=[10, 12]), "REFUSED", "InvalidRange", 416)


@case("GetObject")
def get_of_a_version_and_of_a_deleted_key(w):
    bucket = w.bucket(versioned=True)
    first = w.put(bucket, "k", b"one")["VersionId"]
    w.put(bucket, "k", b"two")
    w.s3.delete_object(Bucket=bucket, Key="k")
    assert w.ok("GetObject", bucket=bucket, key="k", version=first)["body"] == b"one"
    fails(w.call("GetObject", bucket=bucket, key="k"), "NOT_FOUND", "NoSuchKey", 404)


@case("GetObject")
def get_with_conditions(w):
    bucket = w.bucket()
    tag = etag(w.put(bucket, "k"))
    assert w.ok("GetObject", bucket=bucket, key="k", if_match=f'"{tag}"')["body"] == b"body"
    fails(w.call("GetObject", bucket=bucket, key="k", if_match='"other"'), "CHANGED", "PreconditionFailed", 412)
    fails(w.call("GetObject", bucket=bucket, key="k", if_none_match=f'"{tag}"'), "CHANGED", http=304)


@case("GetObject")
def get_into_a_sink_that_breaks_off(w):
    bucket = w.bucket()
    w.put(bucket, "k", b"x" * 300000)
    answer = w.call("GetObject", bucket=bucket, key="k", sink_limit=1000)
    fails(answer, "FULL")
    assert answer.attempts == 1
    assert len(w.ok("GetObject", bucket=bucket, key="k")["body"]) == 300000


@case("GetObject")
def get_of_a_part(w):
    bucket = w.bucket()
    multipart(w, bucket, "k", (5 * MIB, 9))
    assert w.ok("GetObject", bucket=bucket, key="k", part_number=2)["body"] == b"\2" * 9


@case("GetObject")
def get_of_an_archived_object_is_archived(w):
    bucket = w.bucket()
    w.put(bucket, "k", StorageClass="GLACIER")
    fails(w.call("GetObject", bucket=bucket, key="k"), "ARCHIVED", "InvalidObjectState", 403)


# ---- put

@case("PutObject")
def put_stores_bytes_and_says_etag_and_version(w):
    bucket = w.bucket(versioned=True)
    for size in (0, 1, 100000, 2 * MIB + 3):
        body = bytes(range(253)) * (size // 253 + 1)
        answer = w.ok("PutObject", bucket=bucket, key="k", body=body[:size])
        assert w.body(bucket, "k") == body[:size]
        head = w.head(bucket, "k")
        assert (answer["etag"], answer["version"]) == (etag(head), head["VersionId"])


@case("PutObject")
def put_from_a_reader(w):
    bucket = w.bucket()
    body = bytes(range(249)) * 9000
    w.ok("PutObject", bucket=bucket, key="k", body=body, reader=True)
    assert w.body(bucket, "k") == body
    w.ok("PutObject", bucket=bucket, key="k", body=b"", reader=True)
    assert w.body(bucket, "k") == b""


@case("PutObject")
def put_whose_reader_gives_up_stores_nothing(w):
    bucket = w.bucket()
    answer = w.call("PutObject", bucket=bucket, key="k", body=b"x" * 200000, reader=True, reader_fails_at=50000)
    assert answer.status != "OK"
    assert not w.exists(bucket, "k")
    w.ok("PutObject", bucket=bucket, key="k", body=b"after")


@case("PutObject")
def put_sets_headers_and_metadata(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"1", headers=HEADERS | META_HEADERS)
    head = w.head(bucket, "k")
    assert {name: head[name] for name in CONTENT} == CONTENT
    assert head["Metadata"] == META


@case("PutObject")
def put_sets_metadata_without_a_value(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"1", headers={"x-amz-meta-empty": "", "x-amz-meta-full": "1"})
    assert w.head(bucket, "k")["Metadata"] == {"empty": "", "full": "1"}
    headers = w.ok("HeadObject", bucket=bucket, key="k")["headers"]
    assert (headers["x-amz-meta-empty"], headers["x-amz-meta-full"]) == ("", "1")


@case("PutObject")
def put_sets_class_and_tags(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"1", storage_class="STANDARD_IA", tags=TAGS)
    assert w.head(bucket, "k")["StorageClass"] == "STANDARD_IA"
    assert w.tags(bucket, "k") == TAGS


@case("PutObject")
def put_with_content_md5(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"right", content_md5=True)
    assert w.body(bucket, "k") == b"right"
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = w.call("PutObject", bucket=bucket, key="k2", body=b"wrong", content_md5_base64=wrong)
    fails(answer, "RETRY", "BadDigest", 400)
    assert answer.attempts == 9 and not w.exists(bucket, "k2")


@case("PutObject")
def put_with_a_checksum(w):
    bucket = w.bucket()
    right = base64.b64encode(hashlib.sha256(b"right").digest()).decode()
    answer = w.ok("PutObject", bucket=bucket, key="k", body=b"right", checksum_name="x-amz-checksum-sha256",
        checksum_value=right)
    assert answer["checksum"] == f"SHA256:{right}"
    answer = w.call("PutObject", bucket=bucket, key="k2", body=b"wrong", checksum_name="x-amz-checksum-sha256",
        checksum_value=right)
    assert answer.status in ("RETRY", "REFUSED") and not w.exists(bucket, "k2")


@case("PutObject")
def put_if_none_match_creates_once(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"first", if_none_match="*")
    answer = w.call("PutObject", bucket=bucket, key="k", body=b"second", if_none_match="*")
    fails(answer, "CHANGED", "PreconditionFailed", 412)
    assert answer.attempts == 1 and w.body(bucket, "k") == b"first"


@case("PutObject")
def put_if_none_match_creates_once_in_a_versioned_bucket(w):
    bucket = w.bucket(versioned=True)
    w.ok("PutObject", bucket=bucket, key="k", body=b"first", if_none_match="*")
    fails(w.call("PutObject", bucket=bucket, key="k", body=b"second", if_none_match="*"), "CHANGED", http=412)
    assert w.body(bucket, "k") == b"first"


@case("PutObject")
def put_if_match_replaces_what_was_seen(w):
    bucket = w.bucket()
    tag = etag(w.put(bucket, "k", b"1"))
    fails(w.call("PutObject", bucket=bucket, key="k", body=b"2", if_match='"other"'), "CHANGED", http=412)
    w.ok("PutObject", bucket=bucket, key="k", body=b"2", if_match=f'"{tag}"')
    assert w.body(bucket, "k") == b"2"


@case("PutObject")
def put_with_a_lock(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    w.ok("PutObject", bucket=bucket, key="k", body=b"1", content_md5=True, lock_mode="GOVERNANCE", lock_until=until,
        legal_hold=True)
    head = w.head(bucket, "k")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert head["ObjectLockRetainUntilDate"].strftime("%Y-%m-%dT%H:%M:%SZ") == until


@case("PutObject")
def put_with_encryption(w):
    bucket = w.bucket()
    w.ok("PutObject", bucket=bucket, key="k", body=b"1", encryption="AES256")
    assert w.head(bucket, "k")["ServerSideEncryption"] == "AES256"
    assert w.ok("HeadObject", bucket=bucket, key="k")["encryption"] == "AES256"


@case("PutObject")
def put_for_another_owner_is_denied(w):
    bucket = w.bucket()
    answer = w.call("PutObject", bucket=bucket, key="k", body=b"1", expected_owner="999999999999")
    fails(answer, "DENIED", http=403)
    assert not w.exists(bucket, "k")


@case("PutObject")
def put_into_no_bucket_is_not_found(w):
    fails(w.call("PutObject", bucket="ops-no-such-bucket", key="k", body=b"1"), "NOT_FOUND", "NoSuchBucket", 404)


# ---- copy

@case("CopyObject")
def copy_carries_headers_and_metadata(w):
    source, vault = w.bucket(), w.bucket(versioned=True)
    w.put(source, "a/\u00e9 +%2F&?#", b"content", Metadata=META, **CONTENT)
    answer = w.ok("CopyObject", bucket=vault, key="data/a/\u00e9 +%2F&?#", source_bucket=source,
        source_key="a/\u00e9 +%2F&?#", annotation_directive="EXCLUDE")
    head = w.head(vault, "data/a/\u00e9 +%2F&?#")
    assert {name: head[name] for name in CONTENT} == CONTENT and head["Metadata"] == META
    assert answer["etag"] == etag(head)
    assert abs(answer["modified_ms"] // 1000 - seconds(head["LastModified"])) <= 1
    assert w.body(vault, "data/a/\u00e9 +%2F&?#") == b"content"


@case("CopyObject")
def copy_replaces_headers_and_metadata(w):
    bucket = w.bucket()
    w.put(bucket, "k", Metadata={"old": "1"}, ContentType="text/old")
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", metadata_directive="REPLACE",
        headers=HEADERS | META_HEADERS)
    head = w.head(bucket, "c")
    assert {name: head[name] for name in CONTENT} == CONTENT and head["Metadata"] == META


@case("CopyObject")
def copy_of_a_version(w):
    bucket = w.bucket(versioned=True)
    first = w.put(bucket, "k", b"one")["VersionId"]
    w.put(bucket, "k", b"two")
    answer = w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", source_version=first)
    assert w.body(bucket, "c") == b"one"
    assert answer["source_version"] in (first, "")


@case("CopyObject")
def copy_names_both_versions(w):
    bucket = w.bucket(versioned=True)
    version = w.put(bucket, "k")["VersionId"]
    answer = w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k")
    assert (answer["source_version"], answer["version"]) == (version, w.head(bucket, "c")["VersionId"])


@case("CopyObject")
def copy_carries_tags(w):
    bucket = w.bucket()
    w.put(bucket, "k", Tagging="a=1&b=2")
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", tagging_directive="COPY")
    assert w.tags(bucket, "c") == {"a": "1", "b": "2"}


@case("CopyObject")
def copy_replaces_tags(w):
    bucket = w.bucket()
    w.put(bucket, "k", Tagging="a=1&b=2")
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", tagging_directive="REPLACE",
        tags=TAGS)
    assert w.tags(bucket, "c") == TAGS


@case("CopyObject")
def copy_into_each_class(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    for name in ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"):
        w.ok("CopyObject", bucket=bucket, key=name, source_bucket=bucket, source_key="k", storage_class=name)
        assert w.head(bucket, name)["StorageClass"] == name


@case("CopyObject")
def copy_in_place_changes_the_class(w):
    bucket = w.bucket(versioned=True)
    w.put(bucket, "k", b"content", Metadata=META)
    w.ok("CopyObject", bucket=bucket, key="k", source_bucket=bucket, source_key="k", storage_class="STANDARD_IA")
    assert w.head(bucket, "k")["StorageClass"] == "STANDARD_IA" and w.head(bucket, "k")["Metadata"] == META
    assert len(w.s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


@case("CopyObject")
def copy_only_what_was_listed(w):
    bucket = w.bucket()
    tag = etag(w.put(bucket, "k"))
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", source_if_match=f'"{tag}"')
    answer = w.call("CopyObject", bucket=bucket, key="c2", source_bucket=bucket, source_key="k",
        source_if_match='"0123456789abcdef0123456789abcdef"')
    fails(answer, "CHANGED", "PreconditionFailed", 412)
    assert answer.attempts == 1 and w.exists(bucket, "c") and not w.exists(bucket, "c2")


@case("CopyObject")
def copy_only_by_time(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    now = int(time.time())
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k",
        source_if_unmodified_since=now + 900)
    fails(w.call("CopyObject", bucket=bucket, key="c2", source_bucket=bucket, source_key="k",
        source_if_unmodified_since=now - 86400), "CHANGED", http=412)
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k",
        source_if_modified_since=now - 86400)
    assert not w.exists(bucket, "c2")


@case("CopyObject")
def copy_if_none_match_creates_once(w):
    bucket = w.bucket()
    w.put(bucket, "k", b"new")
    w.put(bucket, "c", b"old")
    answer = w.call("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", if_none_match="*")
    fails(answer, "CHANGED", http=412)
    assert w.body(bucket, "c") == b"old"


@case("CopyObject")
def copy_from_or_to_another_owner_is_denied(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    for field in ("expected_owner", "source_expected_owner"):
        answer = w.call("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k",
            **{field: "999999999999"})
        fails(answer, "DENIED", http=403)
    assert not w.exists(bucket, "c")


@case("CopyObject")
def copy_of_nothing_is_not_found(w):
    bucket = w.bucket()
    answer = w.call("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="no such")
    fails(answer, "NOT_FOUND", "NoSuchKey", 404)
    assert answer.attempts == 1 and answer.error["key"] == "c"


@case("CopyObject")
def copy_with_a_lock(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    w.put(bucket, "k", ContentMD5=base64.b64encode(hashlib.md5(b"body").digest()).decode())
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", lock_mode="COMPLIANCE",
        lock_until=until)
    assert w.head(bucket, "c")["ObjectLockMode"] == "COMPLIANCE"


@case("CopyObject")
def copy_with_encryption(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", encryption="AES256")
    assert w.head(bucket, "c")["ServerSideEncryption"] == "AES256"


@case("CopyObject")
def copy_with_a_kms_key(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    arn = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k", encryption="aws:kms",
        kms_key_id=arn, bucket_key=True)
    head = w.head(bucket, "c")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["BucketKeyEnabled"]) == ("aws:kms", arn, True)


@case("CopyObject")
def copy_with_a_checksum(w):
    bucket = w.bucket()
    w.put(bucket, "k", b"content")
    answer = w.ok("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k",
        checksum_algorithm="SHA256")
    assert answer["checksum"] == "SHA256:" + base64.b64encode(hashlib.sha256(b"content").digest()).decode()


@case("CopyObject")
def copy_of_an_archived_object_is_archived(w):
    bucket = w.bucket()
    w.put(bucket, "k", StorageClass="DEEP_ARCHIVE")
    answer = w.call("CopyObject", bucket=bucket, key="c", source_bucket=bucket, source_key="k")
    fails(answer, "ARCHIVED", ("InvalidObjectState", "ObjectNotInActiveTierError"), 403)
    assert not w.exists(bucket, "c")


# ---- restore

@case("RestoreObject")
def restore_thaws_an_archived_object(w):
    bucket = w.bucket()
    w.put(bucket, "k \u00e9", StorageClass="GLACIER")
    assert not w.ok("HeadObject", bucket=bucket, key="k \u00e9")["restore_present"]
    assert not w.ok("RestoreObject", bucket=bucket, key="k \u00e9", days=2, tier="Bulk")["readable"]
    assert "ongoing-request" in w.head(bucket, "k \u00e9")["Restore"]
    head = w.ok("HeadObject", bucket=bucket, key="k \u00e9")
    assert head["restore_present"] and head["restore_ongoing"] == ("true" in w.head(bucket, "k \u00e9")["Restore"])


@case("RestoreObject")
def restore_that_is_asked_for_again_is_no_error(w):
    """On its way it is a 409, thawed it is a 200."""
    bucket = w.bucket()
    w.put(bucket, "k", StorageClass="DEEP_ARCHIVE")
    for days in (1, 3):
        answer = w.ok("RestoreObject", bucket=bucket, key="k", days=days, tier="Standard")
        assert answer.attempts == 1
    assert answer["readable"] != w.ok("HeadObject", bucket=bucket, key="k")["restore_ongoing"]


@case("RestoreObject")
def restore_of_a_version(w):
    bucket = w.bucket(versioned=True)
    version = w.put(bucket, "k", StorageClass="GLACIER")["VersionId"]
    w.put(bucket, "k")
    w.ok("RestoreObject", bucket=bucket, key="k", version=version, days=1, tier="Standard")
    assert w.head(bucket, "k", VersionId=version)["Restore"]


@case("RestoreObject")
def restore_is_told_by_listings(w):
    bucket = w.bucket(versioned=True)
    for key in "ab":
        w.put(bucket, key, StorageClass="GLACIER")
    w.ok("RestoreObject", bucket=bucket, key="a", days=1, tier="Standard")
    for operation in ("ListObjectVersions", "ListObjectsV2"):
        entries = w.ok(operation, bucket=bucket, restore_status=True)["entries"]
        told = [one["restore_in_progress"] or one["restore_expiry_ms"] > 0 for one in entries]
        assert told == [True, False], operation


@case("RestoreObject")
def restore_of_what_is_not_archived_is_refused(w):
    bucket = w.bucket()
    w.put(bucket, "k", StorageClass="STANDARD_IA")
    fails(w.call("RestoreObject", bucket=bucket, key="k", days=1), "ARCHIVED", "InvalidObjectState", 403)


@case("RestoreObject")
def restore_of_nothing_is_not_found(w):
    bucket = w.bucket()
    fails(w.call("RestoreObject", bucket=bucket, key="k", days=1), "NOT_FOUND", "NoSuchKey", 404)


@case("RestoreObject")
def restore_by_a_tier_that_the_class_lacks_is_refused(w):
    bucket = w.bucket()
    w.put(bucket, "k", StorageClass="DEEP_ARCHIVE")
    answer = w.call("RestoreObject", bucket=bucket, key="k", days=1, tier="Expedited")
    fails(answer, "REFUSED", "InvalidArgument", 400)
    assert answer.attempts == 1


# ---- delete

@case("DeleteObject")
def delete_makes_a_marker(w):
    bucket = w.bucket(versioned=True)
    version = w.put(bucket, "k")["VersionId"]
    answer = w.ok("DeleteObject", bucket=bucket, key="k")
    marker = w.s3.list_object_versions(Bucket=bucket)["DeleteMarkers"][0]["VersionId"]
    assert (answer["marker"], answer["version"]) == (True, marker)
    assert w.exists(bucket, "k", VersionId=version) and not w.exists(bucket, "k")


@case("DeleteObject")
def delete_of_a_version_and_of_a_marker(w):
    bucket = w.bucket(versioned=True)
    first, second = w.put(bucket, "k", b"1")["VersionId"], w.put(bucket, "k", b"2")["VersionId"]
    answer = w.ok("DeleteObject", bucket=bucket, key="k", version=first)
    assert answer["marker"] is False
    assert [one["VersionId"] for one in w.s3.list_object_versions(Bucket=bucket)["Versions"]] == [second]
    marker = w.s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    w.ok("DeleteObject", bucket=bucket, key="k", version=marker)
    assert w.body(bucket, "k") == b"2"


@case("DeleteObject")
def delete_of_nothing_is_done(w):
    w.ok("DeleteObject", bucket=w.bucket(), key="no such")


@case("DeleteObject")
def delete_of_a_locked_version_needs_the_bypass(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    version = w.put(bucket, "k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=time.time() + 3600,
        ContentMD5=base64.b64encode(hashlib.md5(b"body").digest()).decode())["VersionId"]
    fails(w.call("DeleteObject", bucket=bucket, key="k", version=version), "DENIED", "AccessDenied", 403)
    assert w.exists(bucket, "k", VersionId=version)
    w.ok("DeleteObject", bucket=bucket, key="k", version=version, bypass_governance=True)
    assert not w.exists(bucket, "k", VersionId=version)


def locked_for(w, hours, mode="GOVERNANCE"):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    version = w.put(bucket, "k", ObjectLockMode=mode, ObjectLockRetainUntilDate=time.time() + hours * 3600,
        ContentMD5=base64.b64encode(hashlib.md5(b"body").digest()).decode())["VersionId"]
    return bucket, version


def in_hours(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


def retained(w, bucket, version):
    head = w.head(bucket, "k", VersionId=version)
    return head["ObjectLockMode"], head["ObjectLockRetainUntilDate"].strftime("%Y-%m-%dT%H:%M:%SZ")


@case("GetObjectRetention")
def retention_is_read_of_a_version(w):
    bucket, version = locked_for(w, 2)
    w.put(bucket, "k", b"newer", ContentMD5=base64.b64encode(hashlib.md5(b"newer").digest()).decode())
    answer = w.ok("GetObjectRetention", bucket=bucket, key="k", version=version)
    until = w.s3.get_object_retention(Bucket=bucket, Key="k", VersionId=version)["Retention"]["RetainUntilDate"]
    assert answer["mode"] == "GOVERNANCE" and answer["until_ms"] // 1000 == int(until.timestamp())
    assert w.ok("GetObjectRetention", bucket=bucket, key="k").result == {"mode": "", "until_ms": 0}


@case("GetObjectRetention")
def retention_of_nothing_is_not_found(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    fails(w.call("GetObjectRetention", bucket=bucket, key="no such"), "NOT_FOUND", http=404)


@case("PutObjectRetention")
def retention_is_set_and_only_ever_extended(w):
    bucket, version = locked_for(w, 2)
    later, sooner = in_hours(5), in_hours(1)
    w.ok("PutObjectRetention", bucket=bucket, key="k", version=version, mode="GOVERNANCE", until=later)
    assert retained(w, bucket, version) == ("GOVERNANCE", later)
    answer = w.call("PutObjectRetention", bucket=bucket, key="k", version=version, mode="GOVERNANCE", until=sooner)
    fails(answer, "DENIED", "AccessDenied", 403)
    assert retained(w, bucket, version) == ("GOVERNANCE", later)


@case("PutObjectRetention")
def retention_is_set_where_there_was_none(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    version = w.put(bucket, "k")["VersionId"]
    until = in_hours(3)
    w.ok("PutObjectRetention", bucket=bucket, key="k", version=version, mode="COMPLIANCE", until=until)
    assert retained(w, bucket, version) == ("COMPLIANCE", until)


@case("GetObjectLockConfiguration")
def lock_of_a_bucket_is_read(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    assert w.ok("GetObjectLockConfiguration", bucket=bucket).result == {"enabled": True, "mode": "", "days": 0,
        "years": 0}
    for unit, number in (("Days", 30), ("Years", 7)):
        w.s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", unit: number}}})
        answer = w.ok("GetObjectLockConfiguration", bucket=bucket)
        assert (answer["mode"], answer[unit.lower()]) == ("COMPLIANCE", number)


@case("GetObjectLockConfiguration")
def bucket_that_cannot_lock_says_so(w):
    assert w.ok("GetObjectLockConfiguration", bucket=w.bucket(versioned=True))["enabled"] is False


@case("PutObjectLockConfiguration")
def lock_of_a_bucket_is_set_without_a_default(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    w.s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    w.ok("PutObjectLockConfiguration", bucket=bucket)
    found = w.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert found["ObjectLockEnabled"] == "Enabled" and "Rule" not in found


@case("PutObjectLockConfiguration")
def lock_is_switched_on_for_a_bucket_that_is_there(w):
    bucket = w.bucket(versioned=True)
    w.ok("PutObjectLockConfiguration", bucket=bucket)
    found = w.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert found == {"ObjectLockEnabled": "Enabled"}


@case("DeleteObjects")
def delete_many_makes_markers_and_takes_versions(w):
    bucket = w.bucket(versioned=True)
    keys = ["a", "b &<>'\"", "c/\u00e9", "d", "e+%"]
    versions = {key: w.put(bucket, key)["VersionId"] for key in keys}
    items = [(key, versions[key] if key in "ad" else None) for key in keys]
    entries = w.ok("DeleteObjects", bucket=bucket, items=items)["entries"]
    assert [one["key"] for one in entries] == keys and not any(one["failed"] for one in entries)
    listed = w.s3.list_object_versions(Bucket=bucket)
    assert sorted(one["Key"] for one in listed["Versions"]) == sorted(set(keys) - {"a", "d"})
    markers = {one["Key"]: one["VersionId"] for one in listed["DeleteMarkers"]}
    assert {one["key"]: one["marker_version"] for one in entries if one["marker"]} == markers
    assert sorted(markers) == sorted(set(keys) - {"a", "d"})


@case("DeleteObjects")
def delete_many_takes_keys_that_xml_cannot_carry(w):
    bucket = w.bucket(versioned=True)
    keys = ["plain", "control\x01", "\x1f", "line\rreturn", "not a character \ufffe"]
    versions = {key: w.put(bucket, key)["VersionId"] for key in keys}
    entries = w.ok("DeleteObjects", bucket=bucket, items=[(key, versions[key]) for key in keys])["entries"]
    assert [(one["key"], one["failed"]) for one in entries] == [(key, False) for key in keys]
    page = w.ok("ListObjectVersions", bucket=bucket)
    assert page["entries"] == []


@case("DeleteObjects")
def delete_many_takes_a_thousand(w):
    bucket = w.bucket(versioned=True)
    w.put(bucket, "k0500")
    entries = w.ok("DeleteObjects", bucket=bucket, items=[(f"k{n:04}", None) for n in range(1000)])["entries"]
    assert len(entries) == 1000 and not any(one["failed"] for one in entries)
    assert not w.exists(bucket, "k0500")


@case("DeleteObjects")
def delete_many_refuses_more_than_a_thousand(w):
    answer = w.call("DeleteObjects", bucket=w.bucket(), items=[(f"k{n}", None) for n in range(1001)])
    assert answer.status == "REFUSED" and answer.attempts == 0


@case("DeleteObjects")
def delete_many_tells_which_were_locked(w):
    bucket = w.bucket(ObjectLockEnabledForBucket=True)
    md5 = base64.b64encode(hashlib.md5(b"body").digest()).decode()
    free = w.put(bucket, "free", ContentMD5=md5)["VersionId"]
    held = w.put(bucket, "held", ContentMD5=md5, ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=time.time() + 60)["VersionId"]
    entries = w.ok("DeleteObjects", bucket=bucket, items=[("held", held), ("free", free)])["entries"]
    assert [(one["key"], one["failed"], one["code"]) for one in entries] == [
        ("held", True, "AccessDenied"), ("free", False, "")]
    assert w.exists(bucket, "held", VersionId=held) and not w.exists(bucket, "free", VersionId=free)


# ---- multipart

def upload_parts(w, bucket, key, upload, bodies, **fields):
    return [[number, w.ok("UploadPart", bucket=bucket, key=key, upload_id=upload, number=number, body=body,
        **fields)["etag"]] for number, body in enumerate(bodies, 1)]


BODIES = [b"1" * 5 * MIB, b"2" * 5 * MIB, b"3" * 7]


@case("CreateMultipartUpload")
def upload_carries_what_is_set_at_its_creation(w):
    bucket = w.bucket(versioned=True)
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k \u00e9", storage_class="STANDARD_IA",
        headers=HEADERS | META_HEADERS)["upload_id"]
    parts = upload_parts(w, bucket, "k \u00e9", upload, [b"small"])
    w.ok("CompleteMultipartUpload", bucket=bucket, key="k \u00e9", upload_id=upload, parts=parts)
    head = w.head(bucket, "k \u00e9")
    assert {name: head[name] for name in CONTENT} == CONTENT and head["Metadata"] == META
    assert head["StorageClass"] == "STANDARD_IA"


@case("CreateMultipartUpload")
def upload_carries_tags(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k", tags=TAGS)["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"small"])
    w.ok("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts)
    assert w.tags(bucket, "k") == TAGS


@case("CompleteMultipartUpload")
def complete_joins_the_parts(w):
    bucket = w.bucket(versioned=True)
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, BODIES)
    answer = w.ok("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts,
        size=sum(map(len, BODIES)))
    head = w.head(bucket, "k")
    joined = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in BODIES)).hexdigest() + "-3"
    assert etag(head) == joined and answer["etag"] in (joined, "")
    assert answer["version"] in (head["VersionId"], "")
    assert w.body(bucket, "k") == b"".join(BODIES)


@case("CompleteMultipartUpload")
def complete_says_etag_and_version(w):
    bucket = w.bucket(versioned=True)
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"small"])
    answer = w.ok("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts)
    head = w.head(bucket, "k")
    assert (answer["etag"], answer["version"]) == (etag(head), head["VersionId"])


@case("CompleteMultipartUpload")
def complete_with_a_wrong_part_is_refused(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    upload_parts(w, bucket, "k", upload, [b"small"])
    answer = w.call("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload,
        parts=[[1, "0123456789abcdef0123456789abcdef"]])
    fails(answer, "REFUSED", "InvalidPart", 400)
    assert not w.exists(bucket, "k")


@case("CompleteMultipartUpload")
def complete_of_no_upload_is_not_found(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"small"])
    w.s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    answer = w.call("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts)
    fails(answer, "NOT_FOUND", "NoSuchUpload", 404)


@case("CompleteMultipartUpload")
def complete_with_another_size_is_refused(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"small"])
    answer = w.call("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts, size=6)
    fails(answer, "REFUSED", http=400)
    assert not w.exists(bucket, "k")


@case("CompleteMultipartUpload")
def complete_if_none_match_creates_once(w):
    bucket = w.bucket()
    w.put(bucket, "k", b"old")
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"new"])
    answer = w.call("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts,
        if_none_match="*")
    fails(answer, "CHANGED", http=412)
    assert w.body(bucket, "k") == b"old"


@case("UploadPart")
def part_from_a_reader_with_md5(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    body = bytes(range(256)) * 900
    parts = upload_parts(w, bucket, "k", upload, [body], reader=True,
        content_md5_base64=base64.b64encode(hashlib.md5(body).digest()).decode())
    assert parts == [[1, hashlib.md5(body).hexdigest()]]
    w.ok("CompleteMultipartUpload", bucket=bucket, key="k", upload_id=upload, parts=parts)
    assert w.body(bucket, "k") == body


@case("UploadPartCopy")
def parts_are_copied_by_range(w):
    source, vault = w.bucket(), w.bucket()
    body = bytes(range(241)) * (11 * MIB // 241)
    tag = etag(w.put(source, "s \u00e9+", body))
    upload = w.ok("CreateMultipartUpload", bucket=vault, key="k")["upload_id"]
    cuts = [0, 5 * MIB, 10 * MIB, len(body)]
    parts = [[number, w.ok("UploadPartCopy", bucket=vault, key="k", upload_id=upload, number=number,
        source_bucket=source, source_key="s \u00e9+", source_if_match=f'"{tag}"',
        range=[cuts[number - 1], cuts[number] - 1])["etag"]] for number in (1, 2, 3)]
    w.ok("CompleteMultipartUpload", bucket=vault, key="k", upload_id=upload, parts=parts)
    assert w.body(vault, "k") == body


@case("UploadPartCopy")
def part_copy_of_a_changed_object_is_changed(w):
    bucket = w.bucket()
    w.put(bucket, "s")
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    answer = w.call("UploadPartCopy", bucket=bucket, key="k", upload_id=upload, number=1, source_bucket=bucket,
        source_key="s", source_if_match='"0123456789abcdef0123456789abcdef"')
    fails(answer, "CHANGED", "PreconditionFailed", 412)


@case("AbortMultipartUpload")
def abort_takes_the_upload_away(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    w.ok("AbortMultipartUpload", bucket=bucket, key="k", upload_id=upload)
    assert not w.s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    fails(w.call("AbortMultipartUpload", bucket=bucket, key="k", upload_id=upload), "NOT_FOUND", "NoSuchUpload", 404)


@case("ListParts")
def parts_are_listed_in_pages(w):
    bucket = w.bucket()
    upload = w.ok("CreateMultipartUpload", bucket=bucket, key="k")["upload_id"]
    parts = upload_parts(w, bucket, "k", upload, [b"a", b"bb", b"ccc", b"dddd", b"e"])
    for size in (None, 2):
        found, after = [], None
        for _ in range(9):
            page = w.ok("ListParts", bucket=bucket, key="k", upload_id=upload, max_parts=size, after=after)
            found += page["parts"]
            after = page["next_number"]
            if not page["truncated"]:
                break
        assert [[one["number"], one["etag"]] for one in found] == parts
        assert [one["size"] for one in found] == [1, 2, 3, 4, 1]


@case("ListMultipartUploads")
def uploads_are_listed_in_pages(w):
    bucket = w.bucket()
    keys = ["a", "a", "b \u00e9+%", "c/&<d>", "z"]
    for key in keys:
        w.s3.create_multipart_upload(Bucket=bucket, Key=key)
    wanted = sorted((one["Key"], one["UploadId"], seconds(one["Initiated"]))
        for one in w.s3.list_multipart_uploads(Bucket=bucket)["Uploads"])
    assert [one[0] for one in wanted] == keys
    for size in (None, 2):
        found, key, upload = [], None, None
        for _ in range(9):
            page = w.ok("ListMultipartUploads", bucket=bucket, max_uploads=size, key_marker=key, upload_marker=upload)
            found += [(one["key"], one["version"], one["modified_ms"] // 1000) for one in page["entries"]]
            key, upload = page["next_key"], page["next_version"]
            if not page["truncated"]:
                break
        assert sorted(found) == wanted


# ---- tags

@case("GetObjectTagging")
def object_tags_are_read(w):
    bucket = w.bucket(versioned=True)
    first = w.put(bucket, "k", Tagging="v=1")["VersionId"]
    w.put(bucket, "k")
    w.s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [
        {"Key": key, "Value": value} for key, value in TAGS.items()]})
    read = {one["name"]: one["value"] for one in w.ok("GetObjectTagging", bucket=bucket, key="k")["tags"]}
    assert read == TAGS
    assert w.ok("GetObjectTagging", bucket=bucket, key="k", version=first)["tags"] == [{"name": "v", "value": "1"}]


@case("GetObjectTagging")
def object_without_tags_has_none(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    assert w.ok("GetObjectTagging", bucket=bucket, key="k")["tags"] == []


@case("PutObjectTagging")
def object_tags_are_set(w):
    bucket = w.bucket(versioned=True)
    first = w.put(bucket, "k")["VersionId"]
    w.put(bucket, "k")
    w.ok("PutObjectTagging", bucket=bucket, key="k", tags=TAGS)
    w.ok("PutObjectTagging", bucket=bucket, key="k", version=first, tags={"only": "first"})
    assert w.tags(bucket, "k") == TAGS
    assert w.tags(bucket, "k", VersionId=first) == {"only": "first"}


@case("PutObjectTagging")
def object_tags_of_all_alphabets(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    w.ok("PutObjectTagging", bucket=bucket, key="k", tags=ODD_TAGS)
    w.ok("PutObject", bucket=bucket, key="h", body=b"1", tags=ODD_TAGS)
    assert w.tags(bucket, "k") == w.tags(bucket, "h") == ODD_TAGS
    read = w.ok("GetObjectTagging", bucket=bucket, key="k")["tags"]
    assert {one["name"]: one["value"] for one in read} == ODD_TAGS


@case("PutObjectTagging")
def too_many_tags_are_refused(w):
    bucket = w.bucket()
    w.put(bucket, "k")
    answer = w.call("PutObjectTagging", bucket=bucket, key="k", tags={f"k{n}": "v" for n in range(11)})
    fails(answer, "REFUSED", http=400)
    assert w.tags(bucket, "k") == {}


@case("DeleteObjectTagging")
def object_tags_are_deleted(w):
    bucket = w.bucket()
    w.put(bucket, "k", Tagging="a=1")
    w.ok("DeleteObjectTagging", bucket=bucket, key="k")
    assert w.tags(bucket, "k") == {}


# ---- identities

@case("AssumeRole")
def assumed_role_can_be_used(w):
    arn = w.role()
    agent = w.new_driver(w.server.source_agent)
    session = agent.ok("AssumeRole", role_arn=arn, session_name="ops-test", duration_seconds=900)
    assert 0 < session["expires"] - time.time() <= 901
    bucket = w.bucket()
    w.put(bucket, "k", b"content")
    role = w.new_driver((session["access_key"], session["secret_key"], session["token"]))
    assert role.ok("GetObject", bucket=bucket, key="k")["body"] == b"content"


@case("AssumeRole")
def role_provider_assumes_by_itself(w):
    arn = w.role()
    bucket = w.bucket()
    w.put(bucket, "k", b"content")
    role = w.new_driver(w.server.source_agent, role_arn=arn)
    answer = role.ok("GetObject", bucket=bucket, key="k")
    assert answer["body"] == b"content"
    assert role.ok("HeadObject", bucket=bucket, key="k").attempts == 1


@case("AssumeRole")
def role_with_an_external_id(w):
    arn = w.role(external_id="the=right:one")
    agent = w.new_driver(w.server.source_agent)
    agent.ok("AssumeRole", role_arn=arn, session_name="ops", external_id="the=right:one")
    fails(agent.call("AssumeRole", role_arn=arn, session_name="ops", external_id="wrong"), "DENIED",
        "AccessDenied", 403)
    fails(agent.call("AssumeRole", role_arn=arn, session_name="ops"), "DENIED", "AccessDenied", 403)


@case("AssumeRole")
def session_policy_narrows(w):
    arn = w.role()
    bucket = w.bucket()
    w.put(bucket, "k")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"]}]}
    session = w.new_driver(w.server.source_agent).ok("AssumeRole", role_arn=arn, session_name="ops",
        policy=json.dumps(policy, separators=(",", ":")))
    role = w.new_driver((session["access_key"], session["secret_key"], session["token"]))
    role.ok("GetObject", bucket=bucket, key="k")
    fails(role.call("DeleteObject", bucket=bucket, key="k"), "DENIED", "AccessDenied", 403)
    assert w.exists(bucket, "k")


@case("GetCallerIdentity")
def caller_identity_is_named(w):
    answer = w.ok("GetCallerIdentity")
    wanted = w.server.client(*w.keys, service="sts").get_caller_identity()
    assert (answer["account"], answer["arn"]) == (wanted["Account"], wanted["Arn"])


@case("ListBuckets")
def wrong_secret_is_denied_at_once(w):
    answer = w.new_driver((w.keys[0], "wrong")).call("ListBuckets")
    fails(answer, "DENIED", ("SignatureDoesNotMatch", "AccessDenied"), 403)
    assert answer.attempts == 1 and answer.error["message"] != "" or answer.error["code"] == "AccessDenied"


@case("GetObject")
def errors_name_what_they_are_about(w):
    bucket = w.bucket()
    answer = w.call("GetObject", bucket=bucket, key="no/such \u00e9")
    fails(answer, "NOT_FOUND", "NoSuchKey", 404)
    assert (answer.error["operation"], answer.error["bucket"]) == ("GetObject", bucket)
    assert answer.error["key"] == "no/such \u00e9" and answer.error["request_id"]


def table():
    for server in GAPS:
        for name in CASES:
            marks = [getattr(pytest.mark, server)]
            if name in GAPS[server]:
                marks.append(pytest.mark.xfail(reason=f"{server}: {GAPS[server][name]}", strict=True))
            yield pytest.param(server, name, marks=marks, id=f"{server}-{name}")


@pytest.fixture
def world(request, build_dir):
    made = []

    def make(name):
        made.append(World(request.getfixturevalue(name), build_dir))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("server_name, name", table())
def test_operation(world, server_name, name):
    CASES[name][1](world(server_name))


def test_each_operation_of_the_driver_is_in_the_table(build_dir):
    listed = subprocess.run([build_dir / "ops_driver", "--operations"], capture_output=True, text=True, check=True)
    assert sorted(listed.stdout.split()) == sorted({operation for operation, _ in CASES.values()})


def test_each_gap_names_a_case():
    assert not {name for gaps in GAPS.values() for name in gaps} - set(CASES)
