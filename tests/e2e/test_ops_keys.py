"""Every key that S3 allows goes through each operation that names one, byte for byte, and is found again by boto3."""
import random
import unicodedata
import uuid

import pytest
from ops import Driver

WRITTEN = [
    "a", "plain", "/", "//", "/lead", "//lead", "trail/", "trail//", "a//b", ".", "..", "./a", "../a", "a/../b",
    "a/./b",
    "a/..", "...", "+", "a+b", "%", "%2F", "%2f", "a%2Fb", "%25", "%%", "100%", "%zz", "%00", " ", "  ", " lead",
    "trail ",
    "a b", "\t", "\n", "a\nb", "\r", "a\rb", "a\r\nb", "\x7f", "\x80", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe",
    "\uffff", "\ufffd", "\U0010ffff", "\U0001f4e6", "\U0001f468\u200d\U0001f469", "\u00e9", "e\u0301", "\u65e5\u672c",
    "\u0627\u0644", "'", '"', "`", "&", "&amp;", "&#10;", "<", ">", "<Key>", "]]>", "<!--", "?", "a?b=c", "#",
    "a#b", "=", "a=b&c=d",
    "~", "*", "!", "@", "$", "(", ")", "[", "]", "{", "}", "|", "\\", "^", ":", ";", ",", "-", "_", "soap",
    "?versionId=1",
    "a\\..\\b", "C:\\a", "null", "a" * 1024, "\u00e9" * 512, "\U0001f4e6" * 256, "/" * 1024, "%" * 1024, " " * 1024,
    "x/" * 511 + "yz", "a" * 255 + "/" + "b" * 255,
] + [f"c{chr(code)}c" for code in range(1, 32)]
SEED = 20260731


def random_key(chance):
    """Of all planes and of what is special, 1 to 1,024 bytes."""
    special = "/.+%&<>?#='\" \n\t\r\x01\x1f\x7f\u00e9e\u0301\u65e5\U0001f4e6"
    longest = chance.choice((3, 10, 60, 300, 1024))
    key = ""
    while True:
        kind = chance.randrange(4)
        if kind == 0:
            more = chance.choice(special)
        elif kind == 1:
            more = chr(chance.randrange(0x20, 0x7f))
        elif kind == 2:
            more = chr(chance.choice((chance.randrange(0x80, 0x800), chance.randrange(0x800, 0xd800),
                chance.randrange(0xe000, 0x10000), chance.randrange(0x10000, 0x110000))))
        else:
            more = chance.choice(("../", "./", "//", "%2F", "%25", "+", "a"))
        if len((key + more).encode()) > longest:
            return key or more
        key += more


def random_keys():
    chance = random.Random(SEED)
    return [random_key(chance) for _ in range(300)]


def all_keys():
    """Without doubles, in the order in which a list has them."""
    return sorted(set(WRITTEN) | set(random_keys()), key=lambda key: key.encode())


class Ground:
    def __init__(self, server, build_dir):
        self.s3 = server.client(*server.source_owner)
        self.driver = Driver(build_dir, server, server.source_owner)
        self.lists_uploads = server.name != "rgw"  # RGW encodes the keys of uploads without saying so
        # RGW's answer to the completion of a very long key holds bytes of its own memory, now and then no XML
        self.longest_completed = 900 if server.name == "rgw" else 1024
        self.bucket = f"keys-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def ok(self, operation, **fields):
        return self.driver.ok(operation, bucket=self.bucket, **fields)

    def listed(self, prefix=None, size=None):
        """By s3/, page by page."""
        out, after = [], None
        while True:
            page = self.ok("ListObjectsV2", start_after=after, prefix=prefix, max_keys=size)
            out += page["entries"]
            if not page["truncated"]:
                return out
            after = out[-1]["key"]


@pytest.fixture
def ground(server, build_dir):
    made = Ground(server, build_dir)
    yield made
    made.driver.close()


def test_the_keys_are_what_they_are_meant_to_be():
    keys = all_keys()
    assert len(keys) > 420 and all(1 <= len(key.encode()) <= 1024 for key in keys)
    assert {len(key.encode()) for key in keys} >= {1, 2, 3, 4, 1022, 1024}
    forms = {unicodedata.normalize("NFC", key) for key in ("\u00e9", "e\u0301")}
    assert len(forms) == 1 and {"\u00e9", "e\u0301"} <= set(keys)


def test_keys_survive_put_list_head_get_and_copy(ground):
    """The object's content is its key, so that a mix-up of two keys shows."""
    keys = all_keys()
    for key in keys:
        ground.ok("PutObject", key=key, body=key.encode())
    entries = ground.listed(size=97)
    assert [one["key"] for one in entries] == keys
    assert [one["size"] for one in entries] == [len(key.encode()) for key in keys]
    for key in keys:
        assert ground.s3.get_object(Bucket=ground.bucket, Key=key)["Body"].read() == key.encode()
        assert ground.ok("HeadObject", key=key)["size"] == len(key.encode())
        assert ground.ok("GetObject", key=key)["body"] == key.encode()
    vault = ground.bucket + "-vault"
    ground.s3.create_bucket(Bucket=vault)
    for key in keys:
        ground.driver.ok("CopyObject", bucket=vault, key=key, source_bucket=ground.bucket, source_key=key)
        assert ground.s3.get_object(Bucket=vault, Key=key)["Body"].read() == key.encode()
    assert len(ground.driver.ok("ListObjectsV2", bucket=vault)["entries"]) == len(keys)


def test_keys_that_boto3_put_are_listed_and_deleted(ground):
    keys = all_keys()
    for key in keys:
        ground.s3.put_object(Bucket=ground.bucket, Key=key, Body=b"")
    assert [one["key"] for one in ground.listed()] == keys
    versions, key, version = [], None, None
    while True:
        page = ground.ok("ListObjectVersions", key_marker=key, version_marker=version, max_keys=101)
        versions += page["entries"]
        if not page["truncated"]:
            break
        key, version = page["next_key"], page["next_version"]
    assert [one["key"] for one in versions] == keys
    half = versions[::2]
    entries = ground.ok("DeleteObjects", items=[(one["key"], one["version"]) for one in half])["entries"]
    assert [one["key"] for one in entries] == [one["key"] for one in half]
    assert not [one for one in entries if one["failed"]]
    for one in versions[1::2]:
        ground.ok("DeleteObject", key=one["key"], version=one["version"])
    assert ground.ok("ListObjectVersions")["entries"] == []


def test_markers_of_a_batch_hit_their_keys_only(ground):
    keys = all_keys()
    for key in keys:
        ground.s3.put_object(Bucket=ground.bucket, Key=key, Body=b"")
    entries = ground.ok("DeleteObjects", items=[(key, None) for key in keys[::2]])["entries"]
    assert not [one for one in entries if one["failed"]]
    assert [one["key"] for one in ground.listed()] == keys[1::2]


def test_keys_can_be_prefixes_and_starts_of_lists(ground):
    keys = [key for key in all_keys() if len(key.encode()) < 1024]
    for key in keys:
        ground.ok("PutObject", key=key, body=b"")
    for number, key in enumerate(keys):
        page = ground.ok("ListObjectsV2", start_after=key, max_keys=1)
        assert [one["key"] for one in page["entries"]] == keys[number + 1:number + 2]
        page = ground.ok("ListObjectsV2", prefix=key, max_keys=3)
        wanted = [other for other in keys if other.startswith(key)]
        assert [one["key"] for one in page["entries"]] == wanted[:3]


def test_tags_of_odd_keys_are_their_own(ground):
    keys = WRITTEN
    for number, key in enumerate(keys):
        ground.s3.put_object(Bucket=ground.bucket, Key=key, Body=b"")
        ground.ok("PutObjectTagging", key=key, tags={"number": str(number)})
    for number, key in enumerate(keys):
        assert ground.s3.get_object_tagging(Bucket=ground.bucket, Key=key)["TagSet"] == [
            {"Key": "number", "Value": str(number)}]
        assert ground.ok("GetObjectTagging", key=key)["tags"] == [{"name": "number", "value": str(number)}]


def test_odd_keys_go_through_multipart(ground):
    for key in WRITTEN:
        if len(key.encode()) > ground.longest_completed:
            continue
        upload = ground.ok("CreateMultipartUpload", key=key)["upload_id"]
        if ground.lists_uploads:
            assert [one["key"] for one in ground.ok("ListMultipartUploads")["entries"]] == [key]
        part = ground.ok("UploadPart", key=key, upload_id=upload, number=1, body=key.encode())["etag"]
        assert len(ground.ok("ListParts", key=key, upload_id=upload)["parts"]) == 1
        ground.ok("CompleteMultipartUpload", key=key, upload_id=upload, parts=[[1, part]])
        assert ground.s3.get_object(Bucket=ground.bucket, Key=key)["Body"].read() == key.encode()


@pytest.mark.parametrize("key", [b"", b"a" * 1025, b"\xff", b"\xc3", b"\xed\xa0\x80", b"a\x00b"],
    ids=["none", "too long", "no UTF-8", "cut off", "surrogate", "NUL"])
def test_a_key_that_is_none_is_an_error_and_hits_no_other(ground, key):
    ground.s3.put_object(Bucket=ground.bucket, Key="a", Body=b"")
    answer = ground.driver.call("DeleteObject", bucket=ground.bucket, key=key)
    assert answer.status not in ("OK", "RETRY"), answer
    assert [one["key"] for one in ground.listed()] == ["a"]
    assert not ground.s3.list_object_versions(Bucket=ground.bucket).get("DeleteMarkers")


@pytest.mark.parametrize("key", ["", "a" * 1025], ids=["none", "too long"])
@pytest.mark.parametrize("operation, fields", [
    ("DeleteObject", {}), ("PutObject", {"body": b"x"}), ("GetObject", {}), ("HeadObject", {}),
    ("DeleteObjectTagging", {}), ("CopyObject", {"source_bucket": "b", "source_key": "k"}),
    ("CopyObject", {"source_bucket": "b", "source_key": "", "key": "k"}),
    ("AbortMultipartUpload", {"upload_id": "u"}), ("UploadPart", {"upload_id": "u", "number": 1, "body": b""}),
])
def test_no_request_is_sent_for_a_key_that_none_can_have(s3sim, build_dir, operation, fields, key):
    """DELETE of an object without its key would be DELETE of its bucket."""
    driver = Driver(build_dir, s3sim, s3sim.source_owner)
    answer = driver.call(operation, bucket="keys-none", **{"key": key, **fields})
    driver.close()
    assert (answer.status, answer.error["code"], answer.attempts) == ("REFUSED", "KeyLength", 0)
