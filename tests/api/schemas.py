"""The part of JSON Schema that our OpenAPI document uses."""

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def resolve(document, schema):
    """Follows a reference."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def faults(document, schema, value, path=""):
    """All places where the value is not what the schema says."""
    schema = resolve(document, schema)
    if value is None and schema.get("nullable"):
        return []
    if "oneOf" in schema:
        each = [faults(document, one, value, path) for one in schema["oneOf"]]
        return min(each, key=len)
    if "allOf" in schema:
        return [fault for one in schema["allOf"] for fault in faults(document, one, value, path)]
    wanted = TYPES.get(schema.get("type"), object)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return [f"{path}: {value!r} is no {schema['type']}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is none of {schema['enum']}")
    if isinstance(value, int) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            found.append(f"{path}: {value} is out of range")
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += faults(document, schema.get("items", {}), item, f"{path}[{number}]")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            if name in properties:
                found += faults(document, properties[name], inner, f"{path}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{path}.{name} is not in the document")
    return found


def unknown(document, schema, value, path=""):
    """Paths of what the document does not describe."""
    schema = resolve(document, schema)
    if not schema:
        return []  # a value of whatever kind
    if "oneOf" in schema:
        return min((unknown(document, one, value, path) for one in schema["oneOf"]), key=len)
    if "allOf" in schema:
        return [fault for one in schema["allOf"] for fault in unknown(document, one, value, path)]
    found = []
    if isinstance(value, list):
        for item in value:
            found += unknown(document, schema.get("items", {}), item, path + "[]")
    if isinstance(value, dict) and (schema.get("properties") or "additionalProperties" not in schema):
        properties = schema.get("properties", {})
        for name, inner in value.items():
            known = name in properties
            found += unknown(document, properties[name], inner, f"{path}.{name}") if known else [f"{path}.{name}"]
    return found


def wrong_values(document, schema):
    """Values that the schema refuses, of several kinds."""
    schema = resolve(document, schema)
    kind = schema.get("type")
    wrong = [{"object": [], "array": {}, "string": 7, "integer": "seven", "boolean": "perhaps"}.get(kind, [])]
    if "enum" in schema:
        wrong.append("no such choice")
    if "minimum" in schema:
        wrong += [schema["minimum"] - 1, 10**30, -(10**30)]
    if "maximum" in schema:
        wrong.append(schema["maximum"] + 1)
    if "maxLength" in schema:
        wrong.append("x" * (schema["maxLength"] + 1))
    return wrong


def wrong_bodies(document, schema):
    """Objects with one wrong value each, also within groups and the elements of lists; with the setting's name."""
    schema = resolve(document, schema)
    for name, inner in schema.get("properties", {}).items():
        inner = resolve(document, inner["allOf"][0]) if "allOf" in inner else resolve(document, inner)
        for value in wrong_values(document, inner):
            yield {name: value}, name
        for body, what in wrong_bodies(document, inner):
            yield {name: body}, what
        items = resolve(document, inner.get("items", {}))
        for value in wrong_values(document, items) if items else ():
            yield {name: [value]}, name
        for body, what in wrong_bodies(document, items):
            yield {name: [body]}, what
