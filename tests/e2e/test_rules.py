"""The vault's lifecycle rules: derived from the policies, written beside others', compared by every run. boto3 reads
them back; the real executor is RGW's, the one that moves days is s3sim's."""
import json
import subprocess
import urllib.request
import xml.etree.ElementTree as ElementTree

import botocore.serialize
import pytest
import world as world_module
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from test_prune import Pruned
from test_restore_moto import Cloud
from test_thaw import Frozen
from world import World, pages

DAY = 86400
TIERS = [{"after_days": 30, "class": "STANDARD_IA"}, {"after_days": 90, "class": "GLACIER"},
    {"after_days": 365, "class": "DEEP_ARCHIVE"}]
CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER", "DEEP_ARCHIVE")
POLICY = {"tiers": TIERS, "min_size": 1000, "delete_after_days": 3650, "transitions": "lifecycle"}
UPKEEP = {
    **{f"vaultferry-uploads/{folder}": {"Filter": {"Prefix": folder},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}} for folder in ("data/", "data-long/")},
    "vaultferry-leases": {"Filter": {"Prefix": "lease/"}, "Expiration": {"Days": 100},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 100}}}
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def moves(prefix, tiers=TIERS, larger=999):
    """The rule of a folder as boto3 gives it; a store without size filters says only the prefix."""
    return {"Filter": {"And": {"Prefix": prefix, "ObjectSizeGreaterThan": larger}} if larger else {"Prefix": prefix},
        "Transitions": [{"Days": one["after_days"], "StorageClass": one["class"]} for one in tiers],
        "NoncurrentVersionTransitions": [{"NoncurrentDays": one["after_days"], "StorageClass": one["class"]}
            for one in tiers]}


class Rules:
    """Writes the rules as bootstrap does, with the right to do so."""

    def __init__(self, build_dir, tmp_path, owner, bucket, keys):
        self.tool, self.path = build_dir / "tools" / "agent_rules", tmp_path / "rules.json"
        self.owner, self.bucket, self.keys = owner, bucket, keys

    def install(self, config, *arguments, exit=0, keys=None):
        """As the vault's owner: the role that writes copies must not change rules."""
        config = json.loads(json.dumps(config))
        config["vault"] |= {"role_arn": None, "external_id": None, "prune_role_arn": None}
        self.path.write_text(json.dumps(config))
        key, secret = keys or self.keys
        done = subprocess.run([self.tool, self.path, *arguments], capture_output=True, text=True, timeout=60,
            env={"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true",
                "VAULTFERRY_STATE_DIR": str(self.path.parent)})
        assert done.returncode == exit, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def there(self):
        """{id: rule} as boto3 reads it, moves in the order of their days. All of them are enabled."""
        try:
            found = self.owner.get_bucket_lifecycle_configuration(Bucket=self.bucket)["Rules"]
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration"
            return {}
        rules = {}
        for rule in found:
            for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
                if name in rule:
                    rule[name].sort(key=lambda one, days=days: one[days])
            assert rule.pop("Status") == "Enabled"
            assert rule["ID"] not in rules
            rules[rule.pop("ID")] = rule
        return rules

    def put(self, *rules):
        self.owner.put_bucket_lifecycle_configuration(Bucket=self.bucket,
            LifecycleConfiguration={"Rules": [{"Status": "Enabled", **rule} for rule in rules]})

    def document(self, body=None):
        """The bytes of the document, or others put in their place."""
        url = f"{self.owner.meta.endpoint_url}/{self.bucket}?lifecycle"
        request = AWSRequest("PUT" if body else "GET", url, data=(body or "").encode())
        S3SigV4Auth(Credentials(*self.keys), "s3", "us-east-1").add_auth(request)
        request = urllib.request.Request(url, request.data or None, dict(request.headers), method=request.method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return answer.read().decode()

    def change(self, name, **parts):
        """Somebody edits one of the rules."""
        rules = self.there()
        rules[name] |= parts
        self.put(*({"ID": name} | rule for name, rule in rules.items()))


def rules_of(world, build_dir, tmp_path):
    return Rules(build_dir, tmp_path, world.owner, world.vault_bucket, world.server.vault_owner[:2])


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def rules(world, build_dir, tmp_path):
    return rules_of(world, build_dir, tmp_path)


@pytest.fixture
def sim(s3sim, vaultferry, monkeypatch):
    monkeypatch.setattr(world_module, "VAULT_ACTIONS", (*world_module.VAULT_ACTIONS, "s3:RestoreObject"))
    yield Frozen(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def sim_rules(sim, build_dir, tmp_path):
    return rules_of(sim, build_dir, tmp_path)


def two_policies(world, first, second, tiers=TIERS, **more):
    """Two sources whose tiers differ; `more` is a third."""
    config = world.config(first, policy=POLICY)
    config["policies"]["other"] = config["policies"]["documents"] | {"tiers": tiers}
    config["sources"].append(config["sources"][0] | {"select": {"buckets": [second]}, "policy": "other"} | more)
    return config


def differ(result):
    return [event["message"] for event in result.events if event["event"] == "vault-rules-differ"]


# writing


def test_rules_are_written_once_read_back_by_others_and_taken_by_a_run(world, rules):
    bucket = world.bucket()
    config = world.config(policy=POLICY)
    size = 999 if world.simulated else 0
    wanted = UPKEEP | {"vaultferry-data/1": moves("data/", larger=size),
        "vaultferry-data-long/1": moves("data-long/", larger=size)}
    assert rules.install(config, "--dry-run")["differs"] and rules.there() == {}
    done = rules.install(config)
    assert done["differs"] and (done["ours"], done["foreign"]) == (5, 0)
    assert done["sizes_dropped"] is not world.simulated
    assert rules.there() == wanted
    for words in ((), ("--dry-run",)):
        assert not rules.install(config, *words)["differs"]
    assert rules.there() == wanted
    world.put(bucket, "a")
    assert world.run(config=config)["warnings"] == []


def test_moto_reads_the_rules_as_they_were_meant(moto, vaultferry, build_dir, tmp_path):
    cloud = Cloud(moto, vaultferry)
    rules = Rules(build_dir, tmp_path, cloud.client, "vault", ("key", "secret"))
    common = {"region": "us-east-1", "endpoint": moto.url, "path_style": True}
    config = {"vault": {"bucket": "vault"} | common, "policies": {"p": POLICY, "q": POLICY | {"tiers": TIERS[2:]}},
        "sources": [{"select": {"buckets": [name]}, "policy": policy} | common for name,
            policy in (("docs", "p"), ("mail", "q"))]}
    cloud.client.put_object(Bucket="vault", Key="points/old-bucket/20260101T000000Z/point.json", Body=b"{}")
    rules.put({"ID": "logs", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}})
    assert rules.install(config)["foreign"] == 1
    there = rules.there()
    wanted = UPKEEP | {"logs": {"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}}
    for folder in ("data", "data-long"):
        wanted[f"vaultferry-{folder}/docs/1"] = moves(f"{folder}/docs/")
        wanted[f"vaultferry-{folder}/mail/1"] = moves(f"{folder}/mail/", TIERS[2:])
    rules.put(*({"ID": name} | rule for name, rule in wanted.items()))
    assert rules.there() == there  # as it reads what boto3 writes
    assert not rules.install(config)["differs"]


def without_order(element):
    """An XML element as a value: what S3 makes of it does not depend on the order of its children."""
    return element.tag, (element.text or "").strip(), sorted(without_order(child) for child in element)


def test_the_document_is_the_one_that_boto3_would_send(sim, sim_rules):
    config = two_policies(sim, "docs", "mail", TIERS[1:2])
    config["policies"]["other"]["min_size"] = "auto"
    sim_rules.install(config)
    sent = sim_rules.document()
    answer = sim.owner.get_bucket_lifecycle_configuration(Bucket=sim.vault_bucket)
    assert answer["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    model = sim.owner.meta.service_model.operation_model("PutBucketLifecycleConfiguration")
    theirs = botocore.serialize.create_serializer("rest-xml").serialize_to_request(
        {"Bucket": "b", "LifecycleConfiguration": {"Rules": answer["Rules"]}}, model)["body"]
    assert len(answer["Rules"]) == 7
    assert without_order(ElementTree.fromstring(sent)) == without_order(ElementTree.fromstring(theirs))


def test_rules_of_others_stay_byte_for_byte(sim, sim_rules):
    """Also what nobody here knows the meaning of."""
    theirs = ("<Rule><ID>one</ID><Filter><And><Prefix>logs/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag>"
        "<Tag><Key>b</Key><Value>2</Value></Tag><Tag><Key>c</Key><Value>3</Value></Tag></And></Filter>"
        "<Status>Enabled</Status><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"
        "<Novelty at='x'><Deep>1</Deep></Novelty></Rule>",
        "<Rule><Status>Disabled</Status> <ID>t&amp;o</ID><Filter/><Expiration><Days>9</Days></Expiration></Rule>")
    head = f'<LifecycleConfiguration xmlns="{NAMESPACE}">'
    def minimum():
        return sim.owner.get_bucket_lifecycle_configuration(
            Bucket=sim.vault_bucket)["TransitionDefaultMinimumObjectSize"]

    config = sim.config("docs", policy=POLICY)
    sim_rules.document(head + "\n  ".join(theirs) + "</LifecycleConfiguration>")
    assert sim_rules.install(config)["foreign"] == 2
    assert sim_rules.document().startswith(head + "".join(theirs) + "<Rule><ID>vaultferry-")
    assert minimum() == "all_storage_classes_128K"  # what their rule without a size relies on
    assert not sim_rules.install(config)["differs"]
    # the first version of the format: S3 takes no rules of both in one document
    sim_rules.document(head + "<Rule><ID>old</ID><Prefix>logs/</Prefix><Status>Enabled</Status><Expiration>"
        "<Days>9</Days></Expiration></Rule></LifecycleConfiguration>")
    assert sim_rules.install(config)["foreign"] == 1
    assert sim_rules.document().startswith(head + "<Rule><ID>old</ID><Filter><Prefix>logs/</Prefix></Filter>")
    assert minimum() == "varies_by_storage_class"  # nobody else moves anything


def test_rules_follow_the_policies_and_the_folders_that_the_vault_has(sim, sim_rules):
    first, second = sim.bucket("first"), sim.bucket("second")
    sim.put(first, "a")
    sim.put(second, "a")
    both = two_policies(sim, first, second, TIERS[2:])
    sim.do("run", config=both)
    sim_rules.install(both)
    names = {f"vaultferry-{folder}/{bucket}/1" for folder in ("data", "data-long") for bucket in (first, second)}
    assert set(sim_rules.there()) == set(UPKEEP) | names
    # a source that is taken out of the config keeps its rules as long as the vault has its folder
    one = sim.config(first, policy=POLICY)
    assert not sim_rules.install(one)["differs"]
    # a changed policy changes the rules of its source only
    config = sim.config(first, policy=POLICY | {"tiers": TIERS[:1]})
    dry = sim_rules.install(config, "--dry-run")
    assert dry["differs"] and '2 of them lack or differ (the first: "vaultferry-data/' in dry["detail"]
    sim_rules.install(config)
    there = sim_rules.there()
    assert there[f"vaultferry-data/{first}/1"] == moves(f"data/{first}/", TIERS[:1])
    assert there[f"vaultferry-data/{second}/1"] == moves(f"data/{second}/", TIERS[2:])
    # and what a policy no longer asks for goes
    sim_rules.install(sim.config(first, policy=POLICY | {"transitions": "agent"}))
    assert set(sim_rules.there()) == set(UPKEEP) | {name for name in names if second in name}


def test_the_writer_may_not_write_them_and_is_told_so(world, rules):
    config = world.config("docs", policy=POLICY)
    agent = world.server.vault_agent
    user = f"arn:aws:iam::{world.server.vault_account}:user/agent"
    world.owner.put_bucket_policy(Bucket=world.vault_bucket, Policy=world_module.document(world_module.allow(
        world_module.VAULT_ACTIONS, f"arn:aws:s3:::{world.vault_bucket}", f"arn:aws:s3:::{world.vault_bucket}/*",
        principal=user)))
    if world.simulated:
        world.server.control("POST", "/_s3sim/users", {"account": world.server.vault_account, "name": "agent",
            "access_key": agent[0], "secret_key": agent[1], "policy": json.loads(world_module.document(
                world_module.allow(world_module.VAULT_ACTIONS, "*")))})
    told = rules.install(config, exit=5, keys=agent[:2])
    assert "writing the vault's lifecycle rules" in told["failure"] and "AccessDenied" in told["failure"]
    assert rules.there() == {}


# comparing


def test_runs_say_what_lacks_and_what_differs(world, rules):
    bucket = world.bucket()
    world.put(bucket, "a")
    config = world.config(policy=POLICY)
    result = world.cli("--json", "run", config=config)
    assert result.returncode == 0
    assert len(differ(result)) == 1 and f'source "{bucket}": no rule moves its current versions' in differ(result)[0]
    assert '"vaultferry bootstrap" writes them' in result.json["sources"][0]["warnings"][0]
    rules.install(config)
    assert world.run(config=config)["warnings"] == []
    rules.change("vaultferry-data/1", NoncurrentVersionTransitions=[{"NoncurrentDays": 90,
        "StorageClass": "GLACIER"}])
    assert "noncurrent versions under" in differ(world.cli("--json", "run", config=config))[0]
    assert "vaultferry-data/1" in rules.install(config)["detail"]
    assert world.run(config=config)["warnings"] == []


def test_a_rule_of_ours_that_was_edited_to_expire_is_an_alarm_until_bootstrap_mends_it(world, rules):
    bucket = world.bucket()
    world.put(bucket, "a")
    config = world.config(policy=POLICY)
    rules.install(config)
    rules.change("vaultferry-data/1", NoncurrentVersionExpiration={"NoncurrentDays": 3000})
    rules.change("vaultferry-leases", Filter={"Prefix": ""})
    warnings = world.run(config=config)["warnings"]
    assert [text for text in warnings if '"vaultferry-data/1"' in text and "expires noncurrent versions" in text]
    assert [text for text in warnings if '"vaultferry-leases"' in text and "points/" in text]
    rules.install(config)
    assert world.run(config=config)["warnings"] == []


def test_rules_that_may_not_be_read_are_a_warning_and_nobody_moves(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a")
    sim.faults({"operation": "GetBucketLifecycleConfiguration", "action": "error", "status": 403,
        "code": "AccessDenied"})
    config = sim.config(policy=POLICY | {"transitions": "auto"})
    sim.run(config=config)
    sim.clock(40 * DAY)
    report = sim.run(config=config)
    assert "may not be read" in report["warnings"][0] and len(report["warnings"]) == 1
    assert report["moved"] == 0


# moving


AGES = (0, 10, 28, 32, 60, 88, 92, 200, 363, 368, 400)


def class_of(age):
    return CLASSES[sum(age > tier["after_days"] for tier in TIERS)]


def aged(sim, rules, config):
    """A bucket with an object, and one that was replaced, for each age: backed up on that day. {key: class}."""
    bucket = sim.buckets[0]
    rules.install(config)
    for age in sorted(AGES, reverse=True):
        sim.clock((max(AGES) - age) * DAY)
        for name in ("new", "old"):
            sim.put(bucket, f"{name}/{age:03d}", f"{name} {age}".encode() * 200, Metadata={"age": str(age)})
        sim.put(bucket, f"small/{age:03d}", b"s")
        for key in [entry["Key"] for entry in pages(sim.source, "list_objects_v2", "Contents", Bucket=bucket,
            Prefix="old/")]:
            if key != f"old/{age:03d}":
                sim.put(bucket, key, f"{key} replaced at {age}".encode() * 200)
        assert sim.run(config=config)["warnings"] == []
        sim.server.control("POST", "/_s3sim/lifecycle", {"bucket": sim.vault_bucket})
    sim.clock(max(AGES) * DAY + DAY)
    sim.server.control("POST", "/_s3sim/lifecycle", {"bucket": sim.vault_bucket})
    return {f"new/{age:03d}": class_of(age) for age in AGES} | {f"small/{age:03d}": "STANDARD" for age in AGES}


def test_objects_of_ten_ages_move_through_all_classes_by_rule_and_come_back(sim, sim_rules):
    bucket = sim.bucket()
    config = sim.config(policy=POLICY | {"keep": {"last": 100}})
    wanted = aged(sim, sim_rules, config)
    assert set(wanted.values()) == set(CLASSES)
    listed = {entry["Key"]: entry for entry in pages(sim.owner, "list_objects_v2", "Contents", Bucket=sim.vault_bucket)}
    for key, class_ in wanted.items():
        path = f"data/{bucket}/{key}"
        head = sim.owner.head_object(Bucket=sim.vault_bucket, Key=path)
        assert (key, head.get("StorageClass", "STANDARD"), listed[path]["StorageClass"]) == (key, class_, class_)
    assert all(entry["StorageClass"] == "STANDARD" for key, entry in listed.items() if not key.startswith("data/"))
    # versions that were replaced long ago are as cold as they are old
    old = [entry for entry in sim.vault.versions(f"data/{bucket}/old/400") if not entry["IsLatest"]]
    assert {entry["StorageClass"] for entry in old} == set(CLASSES)
    verified = sim.do("verify", config=config)
    assert verified["problems"] == []
    assert [note["note"] for note in verified["sources"][0]["notes"]] == ["other-class"]
    seen = sim.seen(bucket)
    words = ("--thaw", "standard", "--no-wait")
    sim.restore(bucket, *words, exit=6, config=config)
    sim.clock((max(AGES) + 2) * DAY)
    report = sim.restore(bucket, *words, config=config)
    assert (report["failed"], report["thawing"]) == (0, 0)
    assert sim.seen(sim.back) == seen


@pytest.fixture
def pruned(s3sim, vaultferry):
    yield Pruned(s3sim, vaultferry, POLICY | {"delete_after_days": None, "keep": {"last": 2}, "grace_days": 0})
    s3sim.control("POST", "/_s3sim/reset")


def test_prune_is_not_confused_by_what_rules_have_moved(pruned, build_dir, tmp_path):
    sim = pruned
    bucket = sim.bucket()
    rules_of(sim, build_dir, tmp_path).install(sim.config())
    points = []
    for day in (0, 40, 100, 400):
        sim.day(day)
        sim.put(bucket, f"new {day}", bytes(2000))
        sim.put(bucket, "same key", f"day {day}".encode() * 400)
        points.append(sim.back_up())
        sim.server.control("POST", "/_s3sim/lifecycle", {"bucket": sim.vault_bucket})
    report = sim.prune("--accept", bucket)
    assert (report["forgotten"], report["versions"], report["failed"]) == (2, 2, 0)
    assert sim.shown() == points[2:]
    needed = {version for point in points[2:] for version, _ in sim.taken[point].values()}
    assert sim.left() == needed
    assert sim.do("verify")["problems"] == []


def test_leases_and_uploads_that_are_old_go_by_rule_and_the_next_run_begins_well(sim, sim_rules):
    bucket = sim.bucket()
    sim.put(bucket, "a")
    config = sim.config(policy=POLICY)
    sim.run(config=config)
    sim_rules.install(config)
    sim.owner.create_multipart_upload(Bucket=sim.vault_bucket, Key=f"data/{bucket}/left")
    before = {entry["Key"] for entry in sim.vault.versions() if not entry["Key"].startswith("lease/")}
    left = []
    for days in (99, 102, 204, 206):
        sim.clock(days * DAY)
        sim.server.control("POST", "/_s3sim/lifecycle", {"bucket": sim.vault_bucket})
        left.append([entry["Marker"] for entry in sim.vault.versions("lease/")])
    assert left[0] and not any(left[0]) and any(left[1]) and left[-1] == []
    assert sim.owner.list_multipart_uploads(Bucket=sim.vault_bucket).get("Uploads", []) == []
    assert {entry["Key"] for entry in sim.vault.versions()} == before
    sim.put(bucket, "b")
    report = sim.run(config=config)
    assert (report["copied"], report["state"], report["warnings"]) == (1, "complete", [])
    assert sim.do("verify", config=config)["problems"] == []


@pytest.mark.rgw
def test_a_real_server_moves_what_the_rules_say(rgw, vaultferry, build_dir, tmp_path):
    """A day of RGW's lifecycle is 2 s here, and 30 of them too long a wait: the rules are written as derived, then
    their days are cut to 1, 2 and 3. It ignores sizes."""
    world = World(rgw, vaultferry)
    rules = rules_of(world, build_dir, tmp_path)
    for other in world.owner.list_buckets()["Buckets"]:  # the rules of other tests would take their share of the pass
        world.owner.delete_bucket_lifecycle(Bucket=other["Name"])
    buckets = [world.bucket(name) for name in ("never", "warm", "cold", "deep")]
    config = world.config(policy=POLICY)
    config["sources"] = [config["sources"][0] | {"select": {"buckets": [bucket]}, "policy": f"p{i}"}
        for i, bucket in enumerate(buckets)]
    config["policies"] = {f"p{i}": config["policies"]["documents"] | {"tiers": TIERS[:i]} for i in range(4)}
    for bucket in buckets:
        for key in ("kept", "replaced", "x" * 1015):
            world.put(bucket, key, f"first {key}".encode())
    world.do("run", config=config)
    for bucket in buckets:
        world.put(bucket, "replaced", b"second")
    world.do("run", config=config)
    rules.install(config)
    cut = rules.there()
    for rule in cut.values():
        for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
            for move in rule.get(name, []):
                move[days] = {30: 1, 90: 2, 365: 3}[move[days]]

    def classes(bucket):
        return {entry["StorageClass"] for folder in ("data", "data-long")
            for entry in world.vault.versions(f"{folder}/{bucket}/")}
    # one source after the other: a pass of RGW's ends after a day, and begins with its first rule again
    for bucket, class_ in zip(buckets[1:], CLASSES[1:]):
        rules.put(*({"ID": name} | cut[name] for name in (f"vaultferry-data/{bucket}/1",
            f"vaultferry-data-long/{bucket}/1")))
        world.wait_for(lambda bucket=bucket, class_=class_: classes(bucket) == {class_}, 240)
    assert [classes(bucket) for bucket in buckets] == [{class_} for class_ in CLASSES]
    for bucket, class_ in zip(buckets, CLASSES):
        assert len(world.vault.versions(f"data/{bucket}/")) == 3 and len(world.vault.versions(f"data-long/{bucket}/"))
        for path in [entry["Key"] for entry in world.vault.live(bucket).values()]:
            head = world.owner.head_object(Bucket=world.vault_bucket, Key=path)
            assert head.get("StorageClass", "STANDARD") == class_
        world.assert_same(bucket)
    catalog = world.vault.versions("points/") + world.vault.versions("names/") + world.vault.versions("lease/")
    assert {entry["StorageClass"] for entry in catalog if not entry["Marker"]} == {"STANDARD"}
    rules.install(config)
    assert world.do("verify", config=config)["problems"] == []
    for bucket in buckets:
        folder = vaultferry.folder / bucket
        report = world.do("restore", "--source", bucket, "--prefix", "re", "--to", folder, config=config)
        assert report["restored"] == 1 and (folder / "replaced").read_bytes() == b"second"
