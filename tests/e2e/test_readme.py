"""What README.md says of the config, of rights and of commands is what the program knows. VF_README=write brings its
tables up to date."""
import json
import os
import re
import shlex

import pytest
from servers.server import REPOSITORY

README = REPOSITORY / "README.md"
ROLE = "arn:aws:iam::{}:role/{}"
# all that asks for a statement of its own
CONFIG = {
    "vault": {"bucket": "acme-vault", "region": "eu-west-1", "account": "444455556666", "acl": "private",
        "role_arn": ROLE.format("444455556666", "vault"), "prune_role_arn": ROLE.format("444455556666", "prune"),
        "external_id": "a-shared-word", "lock": {"days": 30, "extend": True},
        "encryption": {"kms_key_id": "arn:aws:kms:eu-west-1:444455556666:key/1"}},
    "sources": [{"account": "111122223333", "region": "eu-west-1", "role_arn": ROLE.format("111122223333", "source"),
        "copy": copy, "select": {"buckets": [bucket]}, "policy": "documents"}
        for bucket, copy in (("acme-invoices", "server"), ("acme-letters", "stream"))],
    "policies": {"documents": {"delete_after_days": 400, "acl": "record"}},
    "notify": {"sns_topic_arn": "arn:aws:sns:eu-west-1:444455556666:alarms"},
}
DOCUMENTS = ("source-bucket", "source-role", "source-key", "vault-role", "vault-key", "prune-role", "restore-role",
    "bootstrap", "bootstrap-source")


def objects(schema, definitions):
    """A field's own schema and, where it may be null or something else, its alternatives."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    yield schema
    for other in schema.get("anyOf", []) + schema.get("oneOf", []):
        yield from objects(other, definitions)


def fields(path, schema, definitions):
    """(name, default, description) of all fields below, in the schema's order."""
    for form in objects(schema, definitions):
        for name, field in form.get("properties", {}).items():
            shown = next(objects(field, definitions))
            described = {**shown, **field}
            default = described.get("default")
            required = name in form.get("required", [])
            here = f"{path}.{name}" if path else name
            yield here, "required" if required else json.dumps(default), described.get("description", "")
            yield from fields(here, field, definitions)
        if "items" in form:
            yield from fields(path + "[]", form["items"], definitions)
        if isinstance(form.get("additionalProperties"), dict):
            yield from fields(path + ".NAME", form["additionalProperties"], definitions)


def table(schema):
    rows = ["| field | default | what it is |\n", "|---|---|---|\n"]
    for name, default, what in fields("", schema, schema.get("$defs", {})):
        cells = name, default, what
        rows.append("| `{}` | `{}` | {} |\n".format(*(cell.replace("|", "\\|") for cell in cells)))
    return "".join(rows)


def hold(name, wanted):
    """The table between the two marks is the one that is wanted."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, _, rest = README.read_text().partition(begin)
    there, _, after = rest.partition(end)
    if os.environ.get("VF_README") == "write":
        README.write_text(before + begin + wanted + end + after)
    assert there == wanted


def test_the_table_of_fields_is_the_schema(vaultferry):
    hold("fields", table(json.loads(vaultferry("config", "schema").stdout)))


def test_the_table_of_permissions_is_the_programs(vaultferry):
    rows = ["| document | statement | actions | for |\n", "|---|---|---|---|\n"]
    for name in DOCUMENTS:
        said = vaultferry("--json", "policy", name, config=CONFIG).json
        for one in said["policy"]["Statement"]:
            actions = ", ".join(f"`{action}`" for action in one["Action"])
            rows.append(f"| `{name}` | `{one['Sid']}` | {actions} | {said['why'].get(one['Sid'], '')} |\n")
    assert all(row.count(" |") == 4 and "|  |" not in row for row in rows[2:])
    hold("permissions", "".join(rows))


def commands():
    """Each line of README.md's examples that calls the program: its words after the global options."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if match := re.search(r"(?:^|\| |\()(?:\S*/)?vaultferry (.*)", line.partition(" # ")[0]):
                words = shlex.split(re.split(r" [|>] | 2>", match[1].rstrip(")"))[0])
                while words and words[0].startswith("-"):
                    del words[:2 if words[0] in ("-c", "--config", "--state-dir") else 1]
                if words:
                    yield words


def test_examples_use_commands_and_options_that_exist(vaultferry):
    known = {}
    seen = set()
    for words in commands():
        name = words[0]
        if name not in known:
            known[name] = vaultferry("help", name)
            assert known[name].returncode == 0, name
        seen.add(name)
        own = words[:words.index("--")] if "--" in words else words
        for option in (word for word in own if word.startswith("--")):
            assert re.search(rf"{option}\b", known[name].stdout), f"{name} has no {option}"
    every = {line.split()[0] for line in vaultferry("help").stdout.splitlines() if re.match(r"  [a-z]+ ", line)}
    assert every <= seen | {"help"}, f"without an example: {every - seen}"
