"""Objects out of the vault one by one, by tests/tools/agent_bring, without the restore that chooses them: what each way
of carrying comes to, and what goes wrong on it. boto3 fills the vault and judges."""
import json
import subprocess

import pytest
from servers.process import sanitizer_report
from test_run_keys import ODD, long_keys, path_of
from test_stream import RICH, data, multipart
from test_tags_acl import tags_of
from world import HEADERS, KIB, MIB, World, allow, document, listing, raw

SOURCE = "docs"
BOUNDS = {"uneven": (5 * MIB, 7 * MIB + 1, 9 * MIB), "even": (6 * MIB, 6 * MIB, 3), "alone": (1000,),
    "wide": (9 * MIB, 20)}
SIZES = {"empty": 0, "one": 1, "below": 5 * MIB - 1, "at": 5 * MIB, "above": 5 * MIB + 1, "memory": 8 * MIB,
    "windows": 8 * MIB + 1, "many windows": 13 * MIB + 12345}
READ = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging")
APART = {"one_endpoint": False}


class Out(World):
    """A vault that boto3 fills, and a bucket of the source's account, perhaps in another store."""

    def __init__(self, server, vaultferry, build_dir, there=None):
        self.there = there or server
        other = None if self.there is server else World(self.there, vaultferry)
        super().__init__(server, vaultferry)
        self.tool = build_dir / "tools" / "agent_bring"
        assert self.tool.exists(), "the target test_tools is not built"
        self.to = other.source if other else self.source
        self.to_bucket = f"back-{self.tag}"
        self.to.create_bucket(Bucket=self.to_bucket)
        key, secret = self.there.source_owner
        (vaultferry.home / ".aws" / "credentials").write_text(
            f"[there]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")

    def let(self):
        """The destination's principal may read the vault."""
        self.owner.put_bucket_policy(Bucket=self.vault_bucket, Policy=document(allow(READ,
            f"arn:aws:s3:::{self.vault_bucket}/*",
            principal=f"arn:aws:iam::{self.server.source_account}:user/owner")))

    def keep(self, key, body=None, **arguments):
        """In the vault, as a copy of a source's object lies there."""
        self.owner.put_object(Bucket=self.vault_bucket, Key=path_of(SOURCE, key),
            Body=key.encode() if body is None else body, **arguments)

    def keep_parts(self, key, sizes, **arguments):
        multipart(self.owner, self.vault_bucket, path_of(SOURCE, key), *sizes, **arguments)

    def line(self, key, **more):
        """What a restore knows of the newest version."""
        path = path_of(SOURCE, key)
        entry = next(one for one in self.vault.versions(path) if one["IsLatest"] and one["Key"] == path)
        return {"source": SOURCE, "key": key, "to": key, "version": entry["VersionId"], "size": entry["Size"],
            "etag": entry["ETag"].strip('"')} | more

    def start(self, lines, **job):
        job = {"bucket": self.to_bucket, "endpoint": self.there.url, "profile": "there",
            "one_endpoint": self.there is self.server} | job
        if not self.simulated:
            job = {"copy_source_prefix": f"{self.server.vault_account}:"} | job
        path = self.vaultferry.folder / "bring.json"
        path.write_text(json.dumps(self.config("of-no-use-here")))
        child = subprocess.Popen([self.tool, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.vaultferry.environment(self.env))
        self.vaultferry.children.append(child)
        child.stdin.write("".join(json.dumps(line) + "\n" for line in (job, *lines)))
        child.stdin.flush()
        return child

    def end(self, child):
        out, errors = child.communicate(timeout=120)
        assert not sanitizer_report(errors), errors
        assert child.returncode == 0, errors
        assert not any(secret in errors for secret in self.secrets)
        self.events = [json.loads(line)["event"] for line in errors.split("\n") if line]
        return [json.loads(line) for line in out.split("\n") if line]

    def bring(self, *lines, **job):
        lines = [self.line(line) if isinstance(line, str) else line for line in lines]
        answers = self.end(self.start(lines, **job))
        assert len(answers) == len(lines), answers
        return answers

    def nothing_is_left(self):
        return listing(self.to, self.to_bucket) == {} and \
            not self.to.list_multipart_uploads(Bucket=self.to_bucket).get("Uploads")

    def assert_back(self, *keys, etags=True, tags=True):
        there = listing(self.to, self.to_bucket)
        for key in keys:
            path = path_of(SOURCE, key)
            old = self.owner.get_object(Bucket=self.vault_bucket, Key=path)
            new = self.to.get_object(Bucket=self.to_bucket, Key=key)
            assert old["Body"].read() == new["Body"].read(), key
            for header in HEADERS:
                assert old.get(header) == new.get(header), (key, header)
            if etags:
                assert there[key][0] == old["ETag"].strip('"'), key
            if tags:
                assert tags_of(self.owner, self.vault_bucket, path) == tags_of(self.to, self.to_bucket, key), key


def pair(vault, there):
    mark = pytest.mark.rgw if "rgw" in (vault, there) else pytest.mark.s3sim
    return pytest.param((vault, there), id=f"{vault}-to-{there}", marks=mark)


@pytest.fixture(params=[pair("s3sim", "s3sim"), pair("rgw", "rgw"), pair("s3sim", "rgw"), pair("rgw", "s3sim")])
def out(request, vaultferry, build_dir):
    vault, there = (request.getfixturevalue(name) for name in request.param)
    yield Out(vault, vaultferry, build_dir, there)
    if "s3sim" in request.param:
        request.getfixturevalue("s3sim").control("POST", "/_s3sim/reset")


@pytest.fixture
def sim(s3sim, vaultferry, build_dir):
    yield Out(s3sim, vaultferry, build_dir)
    s3sim.control("POST", "/_s3sim/reset")


def told(answers):
    return [(one["status"], one["by"], one["streamed"]) for one in answers]


def test_objects_of_all_sizes_keep_their_etags_between_all_stores(out):
    for name, size in SIZES.items():
        out.keep(name, data(size, name.encode()))
    out.keep("rich windows", data(9 * MIB), **RICH)
    out.let()
    answers = out.bring(*SIZES, "rich windows")
    assert {(one["status"], one["by"]) for one in answers} == {("ok", "etag")}, answers
    out.assert_back(*SIZES, "rich windows")


def test_parts_of_odd_bounds_come_back_between_all_stores(out):
    rich = dict(RICH)
    if not out.simulated:  # an upload with tags: RGW drops them, and answers for its object's tags with nothing
        rich.pop("Tagging")
    for name, sizes in BOUNDS.items():
        out.keep_parts(name, sizes, **rich)
    out.let()
    answers = out.bring(*BOUNDS)
    assert {one["status"] for one in answers} == {"ok"}, answers
    out.assert_back(*BOUNDS, etags=out.simulated)  # RGW does not tell the parts of its objects


@pytest.mark.parametrize("way", ["copied", "denied", "apart"])
def test_each_way_carries_headers_tags_class_and_etags_alike(sim, way):
    for name, sizes in BOUNDS.items():
        sim.keep_parts(name, sizes, **RICH)
    sim.keep("small", b"x", **RICH)
    sim.keep("page", b"", WebsiteRedirectLocation="/other", Tagging="a=b")
    keys = [*BOUNDS, "small", "page"]
    if way == "copied":
        sim.let()
    job = {"class": "STANDARD_IA", "website": True, "one_endpoint": way != "apart"}
    assert told(sim.bring(*keys, **job)) == [("ok", "etag", way != "copied")] * 6
    sim.assert_back(*keys)
    assert all(sim.to.head_object(Bucket=sim.to_bucket, Key=key)["StorageClass"] == "STANDARD_IA" for key in keys)
    assert sim.events == (["restore-streamed"] if way == "denied" else [])


def test_exactly_the_version_comes_back(out):
    out.keep("key", b"first")
    first = out.line("key")
    out.keep("key", b"second, and longer")
    out.owner.delete_object(Bucket=out.vault_bucket, Key=path_of(SOURCE, "key"))
    out.let()
    for number, job in enumerate(({}, APART)):
        to = f"elsewhere/{number}"
        assert out.bring(first | {"to": to}, **job)[0]["status"] == "ok"
        assert out.to.get_object(Bucket=out.to_bucket, Key=to)["Body"].read() == b"first"


@pytest.mark.parametrize("job", [{}, APART], ids=["copied", "streamed"])
def test_keys_of_all_kinds_come_back(sim, job):
    keys = ODD + long_keys(SOURCE)
    sim.let()
    for key in keys:
        raw(sim.server, "PUT", sim.vault_bucket, path_of(SOURCE, key), sim.server.vault_owner, key.encode())
    kept = {entry["Key"]: entry for entry in sim.vault.versions("data")}
    lines = [{"source": SOURCE, "key": key, "to": key, "version": kept[path_of(SOURCE, key)]["VersionId"],
        "etag": kept[path_of(SOURCE, key)]["ETag"].strip('"'), "size": len(key.encode())} for key in keys]
    assert {one["status"] for one in sim.bring(*lines, **job)} == {"ok"}
    assert listing(sim.to, sim.to_bucket) == {line["key"]: (line["etag"], line["size"]) for line in lines}


def test_one_request_is_enough_where_the_store_copies(sim):
    sim.let()
    for key in "abc":
        sim.keep(key)
    lines = [sim.line(key) for key in "abc"]
    sim.forget_counts()
    sim.bring(*lines)
    counts = sim.counts()
    assert counts.pop("CopyObject") == 3 and counts.pop("AssumeRole", 0) <= 1 and sum(counts.values()) == 0, counts
    for one in sim.requests("CopyObject", sim.to_bucket):
        assert one["headers"]["x-amz-copy-source-if-match"] and "versionId=" in one["headers"]["x-amz-copy-source"]


def test_one_object_that_may_not_be_copied_is_streamed_alone(sim):
    sim.let()
    for key in "abc":
        sim.keep(key)
    sim.faults({"operation": "CopyObject", "key": "b", "action": "error", "status": 403, "code": "AccessDenied"})
    assert told(sim.bring(*"abc")) == [("ok", "etag", False), ("ok", "etag", True), ("ok", "etag", False)]


def test_tags_that_may_not_be_read_are_told_and_the_bytes_come_back(sim):
    sim.keep("a", Tagging="x=y")
    sim.faults({"operation": "GetObjectTagging", "action": "error", "status": 403, "code": "AccessDenied"})
    assert sim.bring("a", **APART)[0]["status"] == "ok"
    sim.heal()
    assert sim.events == ["restored-without-tags"]
    sim.assert_back("a", tags=False)


def test_bytes_that_are_damaged_in_the_vault_are_not_written(sim):
    """In memory, by windows and by parts: the sum is wrong before the object is made."""
    sim.keep("small", data(1000))
    sim.keep("windows", data(9 * MIB))
    sim.keep_parts("parts", (5 * MIB, 9 * MIB))
    lines = [sim.line(key) for key in ("small", "windows", "parts")]
    for line in lines:
        sim.server.control("POST", "/_s3sim/damage", {"bucket": sim.vault_bucket, "key": path_of(SOURCE, line["key"]),
            "version": line["version"], "offset": line["size"] - 1})
    assert [one["code"] for one in sim.bring(*lines, **APART)] == ["NotEqual"] * 3
    assert sim.nothing_is_left()


@pytest.mark.parametrize("job", [{}, APART], ids=["copied", "streamed"])
def test_version_with_another_etag_is_not_brought(sim, job):
    sim.let()
    sim.keep("key")
    answer = sim.bring(sim.line("key", etag="0" * 32), **job)[0]
    assert answer["code"] == "PreconditionFailed" and sim.nothing_is_left(), answer


@pytest.mark.parametrize("fault", [{"action": "truncate"}, {"action": "reset"}], ids=["cut", "reset"])
def test_connection_that_breaks_in_the_middle_is_gone_on_with(sim, fault):
    sim.keep("small", data(100 * KIB))
    sim.keep("windows", data(9 * MIB))
    sim.keep_parts("parts", (9 * MIB, 1))
    keys = "small", "windows", "parts"
    sim.faults({"operation": "GetObject", "skip": 1, "count": 3} | fault)
    assert told(sim.bring(*keys, **APART)) == [("ok", "etag", True)] * 3
    sim.faults({"operation": "UploadPart", "count": 1, "action": "reset"},
        {"operation": "PutObject", "skip": 1, "count": 1, "action": "lost_answer"})
    assert told(sim.bring(*keys, **APART)) == [("ok", "etag", True)] * 3
    assert sim.fired() == [1, 1]
    sim.heal()
    sim.assert_back(*keys)


def test_lost_answer_of_a_completion_is_no_failure(sim):
    sim.keep_parts("parts", (5 * MIB, 5 * MIB))
    sim.let()
    sim.faults({"operation": "CompleteMultipartUpload", "count": 1, "action": "lost_answer"})
    assert told(sim.bring("parts")) == [("ok", "etag", False)]
    sim.assert_back("parts")


def test_stop_between_parts_aborts_the_upload(sim):
    sim.let()
    sim.keep_parts("parts", (5 * MIB,) * 6)
    sim.latency(300, "UploadPartCopy")
    child = sim.start([sim.line("parts")])
    sim.wait_for(lambda: sim.requests("UploadPartCopy", sim.to_bucket))
    child.terminate()
    assert sim.end(child)[0]["code"] == "Cancelled"
    assert sim.nothing_is_left()


def test_objects_above_the_bound_of_a_copy_go_by_parts(sim):
    sim.let()
    sim.keep("large", data(12 * MIB), **RICH)
    sim.forget_counts()
    assert told(sim.bring("large", parts_above=8 * MIB)) == [("ok", "size", False)]
    assert sim.counts()["UploadPartCopy"] > 0
    sim.assert_back("large", etags=False)


@pytest.mark.parametrize("job", [{}, APART], ids=["copied", "streamed"])
def test_version_that_is_gone_and_a_bucket_that_is_missing_are_told_apart(sim, job):
    sim.let()
    sim.keep("key")
    gone = sim.line("key")
    sim.keep("key")
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=path_of(SOURCE, "key"), VersionId=gone["version"])
    assert sim.bring(gone, **job)[0]["status"] == "not found"
    answer = sim.bring("key", **{"bucket": "no-such-bucket-anywhere"} | job)[0]
    assert (answer["status"], answer["code"]) == ("denied", "NoSuchBucket"), answer


def test_destination_that_denies_says_so(sim):
    sim.let()
    sim.keep("key")
    sim.faults({"bucket": sim.to_bucket, "action": "error", "status": 403, "code": "AccessDenied"})
    answer = sim.bring("key")[0]
    assert (answer["status"], answer["operation"], answer["code"]) == ("denied", "PutObject", "AccessDenied")
    assert sim.events == []
