"""openapi.json as a judge: is the document sound, and does an answer keep to it."""

import json

import jsonschema

from support import check

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"], "additionalProperties": False,
                 "properties": {"title": {"type": "string"}, "version": {"type": "string"}, "summary": {"type": "string"}}},
        "servers": {"type": "array", "items": {"type": "object", "required": ["url"]}},
        "paths": {"type": "object", "propertyNames": {"pattern": "^/"}, "additionalProperties": {
            "type": "object", "propertyNames": {"enum": ["get", "post", "put", "patch", "delete"]},
            "additionalProperties": {"$ref": "#/$defs/operation"}}},
        "webhooks": {"type": "object", "propertyNames": {"pattern": "^[a-z_]+[.][a-z_]+$"}, "additionalProperties": {
            "type": "object", "required": ["post"], "additionalProperties": False, "properties": {
                "post": {"type": "object", "required": ["summary", "requestBody", "responses"]}}}},
        "components": {"type": "object", "required": ["schemas", "securitySchemes"], "additionalProperties": False, "properties": {
            "schemas": {"type": "object", "propertyNames": {"pattern": "^[A-Za-z0-9._-]+$"},
                        "additionalProperties": {"type": "object"}},
            "securitySchemes": {"type": "object", "additionalProperties": {
                "type": "object", "required": ["type", "scheme"],
                "properties": {"type": {"const": "http"}, "scheme": {"const": "bearer"}}}}}},
    },
    "$defs": {
        "content": {"type": "object", "propertyNames": {"pattern": "^[a-z]+/[a-z0-9.+-]+$"}, "minProperties": 1,
                    "additionalProperties": {"type": "object", "required": ["schema"], "additionalProperties": False,
                                             "properties": {"schema": {"type": "object"}}}},
        "parameter": {"type": "object", "required": ["name", "in", "schema"], "additionalProperties": False, "properties": {
            "name": {"type": "string", "minLength": 1}, "in": {"enum": ["path", "query", "header"]},
            "required": {"type": "boolean"},
            "description": {"type": "string"}, "schema": {"type": "object"}},
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"properties": {"required": {"const": True}}, "required": ["required"]}},
        "operation": {
            "type": "object", "required": ["operationId", "summary", "tags", "responses", "security"],
            "additionalProperties": False,
            "properties": {
                "operationId": {"type": "string", "pattern": "^[A-Za-z]+$"}, "summary": {"type": "string", "minLength": 1},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"type": "object", "required": ["content", "required"], "additionalProperties": False,
                                "properties": {
                    "required": {"type": "boolean"}, "content": {"$ref": "#/$defs/content"}}},
                "responses": {"type": "object", "propertyNames": {"pattern": "^([2-5][0-9][0-9]|default)$"},
                              "required": ["default"],
                              "additionalProperties": {"type": "object", "required": ["description"], "additionalProperties": False,
                                                       "properties": {"description": {"type": "string"},
                                                                      "content": {"$ref": "#/$defs/content"}}}},
                "security": {"type": "array", "items": {"type": "object",
                                                        "additionalProperties": {"type": "array", "maxItems": 0}}}}},
    },
}


class Document:
    def __init__(self, content):
        self.content = content
        self.operations = {}
        for path, item in content["paths"].items():
            for method, operation in item.items():
                check(operation["operationId"] not in self.operations, f"two operations are {operation['operationId']}")
                self.operations[operation["operationId"]] = (method.upper(), path, operation)

    def check_itself(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        jsonschema.Draft202012Validator(SCHEMA).validate(self.content)
        for name, schema in self.content["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.check_examples(schema, name)
        for name, (_, path, operation) in self.operations.items():
            in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
            check(sorted(in_path) == sorted(part[1:-1] for part in path.split("/") if part.startswith("{")), f"{name}: {in_path}")
            for parameter in operation.get("parameters", []):
                jsonschema.Draft202012Validator.check_schema(parameter["schema"])

    def check_examples(self, schema, where):
        if isinstance(schema, list):
            for item in schema:
                self.check_examples(item, where)
        elif isinstance(schema, dict):
            for example in schema.get("examples", []):
                check(not self.faults(schema, example), f"{where}: the example {example!r} is not valid")
            for name, value in schema.items():
                if name != "examples":
                    self.check_examples(value, f"{where}.{name}")

    def resolved(self, schema):
        """References followed, allOf taken together."""
        if "$ref" in schema:
            return self.resolved(self.content["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema.get("allOf", []):
            part = self.resolved(part)
            whole["properties"] = {**whole.get("properties", {}), **part.get("properties", {})}
            whole["required"] = whole.get("required", []) + part.get("required", [])
            whole["oneOf"] = whole.get("oneOf", []) + part.get("oneOf", [])
        return whole

    def faults(self, schema, value):
        whole = {**schema, "components": self.content["components"]}
        return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]

    def undocumented(self, schema, value, where="$"):
        """Members of an answer that the schema does not know: a client made from the document would not see them."""
        schema = self.resolved(schema)
        for branch in schema.get("oneOf", []):
            if not self.faults(branch, value):
                branch = self.resolved(branch)
                if "properties" in branch:
                    branch = {**branch, "properties": {**schema.get("properties", {}), **branch["properties"]}}
                schema = branch
                break
        found = []
        if isinstance(value, dict) and "properties" in schema:
            for name, member in value.items():
                if name in schema["properties"]:
                    found += self.undocumented(schema["properties"][name], member, f"{where}.{name}")
                else:
                    found.append(f"{where}.{name}")
        if isinstance(value, list) and "items" in schema:
            for item in value:
                found += self.undocumented(schema["items"], item, f"{where}[]")
        return found

    def check_answer(self, operation_id, status, content_type, body):
        """The status is one of the operation's own, the media type one of that status, and the body what its schema says."""
        responses = self.operations[operation_id][2]["responses"]
        check(str(status) in responses, f"{operation_id}: {status} is not documented: {body}")
        media_type = content_type.split(";")[0]
        content = responses[str(status)].get("content", {})
        check(media_type in content, f"{operation_id}: {status} with {media_type}, documented are {list(content)}")
        if media_type != "application/json":
            return
        schema = content[media_type]["schema"]
        faults = self.faults(schema, body)
        check(not faults, f"{operation_id}: {status}: {faults}\n{json.dumps(body)[:2000]}")
        if status < 300:
            unknown = self.undocumented(schema, body)
            check(not unknown, f"{operation_id}: the document does not know {unknown}")
