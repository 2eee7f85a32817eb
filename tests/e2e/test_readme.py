"""What README.md says of the config and of commands is what the program knows. VF_README=write brings its table of
fields up to date."""
import json
import os
import re
import shlex

import pytest
from servers.server import REPOSITORY

README = REPOSITORY / "README.md"
BEGIN, END = "<!-- fields: begin -->\n", "<!-- fields: end -->\n"


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


def test_the_table_of_fields_is_the_schema(vaultferry):
    wanted = table(json.loads(vaultferry("config", "schema").stdout))
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    there, _, after = rest.partition(END)
    if os.environ.get("VF_README") == "write":
        README.write_text(before + BEGIN + wanted + END + after)
    assert there == wanted


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
