"""openapi.json as TypeScript, in the shape that openapi-typescript gives it: interfaces `components`, `operations`, `paths` and
`webhooks`. A schema that would need a cast (an object that says nothing of its members, or no type at all) fails."""

import json

from support import check

PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def members(pairs):
    return "{ " + " ".join(f"{json.dumps(name)}{'' if is_needed else '?'}: {text};" for name, is_needed, text in pairs) + " }"


def object_type(schema, place):
    own = schema.get("properties", {})
    needed = schema.get("required", [])
    parts = [members((name, name in needed, type_of(inner, f"{place}.{name}")) for name, inner in own.items())] if own else []
    rest = schema.get("additionalProperties")
    if rest is True:  # it says so: whoever reads it looks at what it is
        parts.append("{ [name: string]: unknown }")
    elif rest:
        parts.append(f"{{ [name: string]: {type_of(rest, place)} }}")
    check(parts, f"{place}: an object that says nothing of its members")
    return " & ".join(parts)


def type_of(schema, place):
    if "$ref" in schema:
        return f'components["schemas"][{json.dumps(schema["$ref"].split("/")[-1])}]'
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema.get("enum", [schema.get("const")]))
    for word, sign in (("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")):
        if word in schema:
            return "(" + sign.join(f"({type_of(part, place)})" for part in schema[word]) + ")"
    kinds = schema.get("type", [])
    check(kinds, f"{place}: a schema without a type")
    texts = []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "array" and schema.get("maxItems") == 0:
            texts.append("never[]")
        elif kind == "array":
            texts.append(f"({type_of(schema.get('items', {}), place + '[]')})[]")
        else:
            texts.append(object_type(schema, place) if kind == "object" else PLAIN[kind])
    return " | ".join(texts)


def content_type(node, place):
    return members((kind, True, type_of(media["schema"], place)) for kind, media in node.get("content", {}).items())


def parameters_type(operation, place):
    groups = []
    for group in ("query", "header", "path"):
        inside = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == group]
        pairs = [(one["name"], one["required"], type_of(one["schema"], place)) for one in inside]
        groups.append((group, any(needed for _, needed, _ in pairs), members(pairs) if pairs else "{ }"))
    return members(groups)


def operation_type(operation, place):
    pairs = [("parameters", True, parameters_type(operation, place))]
    if "requestBody" in operation:
        pairs.append(("requestBody", True, members([("content", True, content_type(operation["requestBody"], place))])))
    answers = "{ " + " ".join(f"{status if status.isdigit() else json.dumps(status)}: "
                              f"{{ content: {content_type(answer, place)} }};"
                              for status, answer in operation["responses"].items()) + " }"
    return members(pairs + [("responses", True, answers)])


def typescript(document):
    methods = [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]
    lines = ["export interface components { schemas: {"]
    lines += [f"  {json.dumps(name)}: {type_of(schema, name)};" for name, schema in document["components"]["schemas"].items()]
    lines += ["} }", "export interface operations {"]
    lines += [f"  {one['operationId']}: {operation_type(one, one['operationId'])};" for _, _, one in methods]
    lines += ["}", "export interface paths {"]
    for path, item in document["paths"].items():
        pairs = ((method, True, f'operations["{one["operationId"]}"]') for method, one in item.items())
        lines.append(f"  {json.dumps(path)}: {members(pairs)};")
    lines += ["}", "export interface webhooks {"]
    lines += [f"  {json.dumps(name)}: {{ post: {operation_type(item['post'], name)} }};"
              for name, item in document["webhooks"].items()]
    return "\n".join(lines + ["}", ""])
