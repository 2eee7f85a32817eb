"""What others are told of a run: messages to a topic (moto is SNS, and a queue that hangs on the topic is the judge),
embedded metrics, and a file for Prometheus."""

import json
import re

import pytest
from world import World


class Told(World):
    sns = "http://127.0.0.1:1"  # nothing ever goes elsewhere

    @property
    def env(self):
        return super().env | {"AWS_ENDPOINT_URL_SNS": self.sns}


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Told(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


class Topic:
    def __init__(self, sim, moto):
        client = {service: moto.client("111122223333", "secret", service=service) for service in ("sns", "sqs")}
        self.arn = client["sns"].create_topic(Name=f"t-{sim.tag}")["TopicArn"]
        self.sqs = client["sqs"]
        self.queue = self.sqs.create_queue(QueueName=f"q-{sim.tag}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        client["sns"].subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=arn)
        sim.sns = moto.url

    def messages(self):
        got = []
        while batch := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for one in batch:
                got.append(json.loads(one["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        return [(one["Subject"], one["Message"]) for one in got]


@pytest.fixture
def topic(sim, moto):
    return Topic(sim, moto)


def test_failure_is_told_with_what_and_where(sim, topic):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn, "on": ["failure", "guard"]})
    assert sim.run(config=config)["exit"] == 0
    assert topic.messages() == []
    sim.put(bucket, "bad", b"x")
    sim.faults({"operation": "CopyObject", "key": f"data/{bucket}/bad", "action": "error", "status": 403,
        "code": "AccessDenied"})
    sim.run(exit=2, config=config)
    [(subject, message)] = topic.messages()
    assert subject == f"vaultferry run: {bucket} failed (vault {sim.vault_bucket})" and len(subject) < 100
    assert '"bad"' in message and "AccessDenied" in message and "exit code 2" in message


def test_source_that_cannot_be_looked_at_is_told(sim, topic):
    bucket = sim.bucket()
    config = sim.config(bucket, f"gone-{sim.tag}", notify={"sns_topic_arn": topic.arn, "on": ["failure"]})
    sim.do("run", exit=5, config=config)
    [(subject, message)] = topic.messages()
    assert subject == f"vaultferry run: gone-{sim.tag} failed (vault {sim.vault_bucket})" and "exit code 5" in message


def test_run_that_could_not_begin_is_told(sim, topic):
    bucket = sim.bucket()
    sim.fill(bucket, 1)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn, "on": ["failure"]})
    sim.source.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "backup", "Value": "yes"}]})
    config["sources"].append(config["sources"][0] | {"select": {"tags": {"backup": "yes"}}})
    sim.do("run", exit=1, config=config)  # two entries mean one bucket
    [(subject, message)] = topic.messages()
    assert sim.vault_bucket in subject and bucket in message


def test_guard_is_told_with_how_to_accept(sim, topic):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 30)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn, "on": ["guard"]})
    sim.run(config=config)
    for key in keys:
        sim.source.delete_object(Bucket=bucket, Key=key)
    sim.run(exit=3, config=config)
    [(subject, message)] = topic.messages()
    assert "is guarded" in subject and f"vaultferry run --accept {bucket}" in message


def test_success_and_many_sources_come_in_one_message(sim, topic):
    buckets = [sim.bucket(name) for name in ("one", "two")]
    for bucket in buckets:
        sim.fill(bucket, 1)
    config = sim.config(*buckets, notify={"sns_topic_arn": topic.arn, "on": ["success", "failure"]})
    sim.do("run", config=config)
    [(subject, message)] = topic.messages()
    assert subject.startswith("vaultferry run: 2 sources are done") and all(bucket in message for bucket in buckets)


def test_stale_source_is_told_when_asked(sim, topic):
    bucket = sim.bucket()
    sim.fill(bucket, 1)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn, "on": ["stale"]})
    sim.do("status", "--max-age", "26h", exit=2, config=config)
    assert topic.messages() == []
    sim.do("status", "--max-age", "26h", "--notify", exit=2, config=config)
    assert topic.messages() == [(f"vaultferry: 1 source is stale (vault {sim.vault_bucket})",
        f"{bucket}: no complete point yet\n")]


def test_topic_that_cannot_be_told_changes_nothing(sim, topic):
    bucket = sim.bucket()
    sim.fill(bucket, 1)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn + "-gone", "on": ["success"]})
    result = sim.cli("--json", "run", config=config)
    assert result.returncode == 0 and "not-notified" in result.stderr and "NotFound" in result.stderr, result


# metrics

def test_embedded_metrics_are_lines_that_cloudwatch_reads(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    result = sim.cli("-q", "run", config=sim.config(bucket, metrics={"emf": True}))
    assert result.returncode == 0, result
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == 2
    for line in lines:
        directive = line["_aws"]["CloudWatchMetrics"][0]
        assert directive["Namespace"] == "vaultferry" and line["_aws"]["Timestamp"] > 1.7e12
        assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
        assert all(isinstance(line[metric["Name"]], (int, float)) for metric in directive["Metrics"])
    first = lines[0]
    assert (first["Source"], first["Policy"], first["Objects"], first["Copied"], first["Failed"]) == (
        bucket, "documents", 3, 3, 0)
    assert first["AgeOfLastGoodPoint"] == 0 and first["Requests"] > 3
    assert (lines[1]["Class"], lines[1]["ClassObjects"], lines[1]["ClassBytes"]) == ("STANDARD", 3, 12)
    assert sim.do("run", config=sim.config(bucket, metrics={"emf": True}))["exit"] == 0  # one document, no lines


def test_status_tells_cloudwatch_how_old_the_last_good_points_are(sim):
    bucket, gone = sim.bucket(), sim.bucket("gone")
    sim.fill(bucket, 1)
    sim.fill(gone, 1)
    sim.run(config=sim.config(gone))
    config = sim.config(bucket, metrics={"emf": True})

    def told(*arguments, exit=0):
        result = sim.cli("status", *arguments, config=config)
        assert result.returncode == exit, result
        return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]

    assert told("--source", bucket) == []
    never, = told("--max-age", "26h", "--source", bucket, exit=2)
    assert never["Stale"] == 1 and "AgeOfLastGoodPoint" not in never
    sim.run(config=config)
    line, = told("--max-age", "26h")  # and nothing of a source that the config does not have any more
    assert (line["Source"], line["Policy"], line["Stale"]) == (bucket, "documents", 0)
    assert 0 <= line["AgeOfLastGoodPoint"] < 3600
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == "vaultferry" and directive["Dimensions"] == [["Source", "Policy"]]
    assert [one["Name"] for one in directive["Metrics"]] == ["AgeOfLastGoodPoint", "Stale"]
    sim.clock(27 * 3600)
    line, = told("--max-age", "26h", exit=2)
    assert line["Stale"] == 1 and line["AgeOfLastGoodPoint"] > 26 * 3600


def test_source_that_was_retired_does_not_keep_status_from_ending_well(sim):
    bucket, gone = sim.bucket(), sim.bucket("gone")
    sim.do("run", config=sim.config(bucket, gone))
    sim.clock(27 * 3600)
    without = sim.config(bucket, gone, select={"exclude_buckets": [gone]})
    sim.run(config=without)
    stale = {one["source"]: one["stale"] for one in sim.do("status", "--max-age", "26h", config=without)["sources"]}
    assert stale == {bucket: False, gone: False}
    result = sim.cli("status", "--max-age", "26h", config=without)
    assert [line.startswith(gone) for line in result.stdout.splitlines() if "not in the config" in line] == [True]
    # while it is in the config, or is asked for by its name, or where the vault is all that there is, it is too old
    sim.do("status", "--max-age", "26h", config=sim.config(bucket, gone), exit=2)
    sim.do("status", "--max-age", "26h", "--source", gone, config=without, exit=2)
    sim.do("status", "--max-age", "26h", config=without | {"sources": []}, exit=2)


def gauges(path):
    """{(name, source, other labels): value}; each line must have the form that Prometheus reads."""
    found = {}
    for line in path.read_text().splitlines():
        if not line.startswith("# "):
            name, labels, value = re.fullmatch(r"([a-z_]+)\{([^}]*)\} ([0-9.e+]+)", line).groups()
            labels = dict(re.findall(r'([a-z]+)="([^"]*)"', labels))
            found[name, labels["source"], labels.get("class", labels.get("kind"))] = float(value)
    return found


def test_prometheus_file_keeps_what_other_sources_have(sim, tmp_path):
    one, two = sim.bucket("one"), sim.bucket("two")
    sim.fill(one, 2)
    sim.fill(two, 3)
    path = tmp_path / "vaultferry.prom"
    config = sim.config(one, two, metrics={"prometheus_file": str(path)})
    sim.do("run", config=config)
    sim.fill(one, 4)
    sim.do("run", "--source", one, config=config)
    found = gauges(path)
    assert (found["vaultferry_objects", one, None], found["vaultferry_copied", one, None]) == (4, 2)
    assert (found["vaultferry_objects", two, None], found["vaultferry_copied", two, None]) == (3, 3)
    assert found["vaultferry_class_bytes", two, "STANDARD"] == 12
    assert found["vaultferry_last_good_point_timestamp_seconds", one, None] > 1.7e9
    assert [entry.name for entry in tmp_path.iterdir() if "prom" in entry.name] == ["vaultferry.prom"]
    before = found["vaultferry_last_good_point_timestamp_seconds", one, None]
    sim.put(one, "bad", b"x")
    sim.faults({"operation": "CopyObject", "key": f"data/{one}/bad", "action": "error", "status": 403,
        "code": "AccessDenied"})
    sim.do("run", "--source", one, exit=2, config=config)
    found = gauges(path)
    assert (found["vaultferry_failed", one, None], found["vaultferry_exit_code", one, None]) == (1, 2)
    assert abs(found["vaultferry_last_good_point_timestamp_seconds", one, None] - before) < 5


def test_metrics_that_cannot_be_written_change_nothing(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 1)
    result = sim.cli("--json", "run", config=sim.config(bucket, metrics={"prometheus_file": "/does/not/exist/x.prom"}))
    assert result.returncode == 0 and "metrics-not-written" in result.stderr, result


def test_verify_and_drill_that_find_something_are_told(sim, topic):
    bucket, scratch = sim.bucket(), f"scratch-{sim.tag}"
    sim.fill(bucket, 3)
    sim.source.create_bucket(Bucket=scratch)
    config = sim.config(bucket, notify={"sns_topic_arn": topic.arn, "on": ["failure"]}, metrics={"emf": True})
    sim.run(config=config)
    for command in (["verify"], ["drill", "--to", f"s3://{scratch}/", "--to-profile", "source"]):
        sim.do(*command, config=config)
    assert topic.messages() == []
    [version] = [one["VersionId"] for one in sim.vault.versions(f"data/{bucket}/k001")]
    sim.owner.delete_object(Bucket=sim.vault_bucket, Key=f"data/{bucket}/k001", VersionId=version)
    for command in (["verify"], ["drill", "--to", f"s3://{scratch}/", "--to-profile", "source"]):
        result = sim.cli(*command, config=config)
        assert result.returncode == 2
        [(subject, message)] = topic.messages()
        assert subject == f"vaultferry {command[0]}: {bucket} failed (vault {sim.vault_bucket})"
        assert "k001" in message and "exit code 2" in message
        [line] = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
        assert (line["Source"], line["Command"], line["ExitCode"], line["Problems"]) == (bucket, command[0], 2, 1)
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Source", "Command"]]
    config["vault"]["bucket"] = "nobodys-vault"
    sim.do("verify", config=config, exit=5)
    [(subject, message)] = topic.messages()
    assert subject == "vaultferry verify: nobodys-vault failed (vault nobodys-vault)" and "NoSuchBucket" in message
