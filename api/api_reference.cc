#include "api/api_reference.h"

#include "api/schema_text.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kIntroduction = R"(# HTTP API

Made from the tables of endpoints in `http/api_*.cc` by `postern docs http-api`; a test compares the two. The same for programs is
`/openapi.json` (OpenAPI 3.1). How sending works is told in [http-sending.md](http-sending.md), what events hold in
[events.md](events.md), what every failure means in [smtp-replies.md](smtp-replies.md).

**Credential.** `Authorization: Bearer …` with an API key, or with a user's session token from `POST /v1/auth/login`. A
`sending_access` key only sends and asks `/v1/explain`. A test key sees test keys, test mail and webhooks for it, and neither sees
nor changes what belongs to live mail: 403. A key limited to From domains sees mail from them, and manages its own keys, domains and
webhooks; one bound to networks names no webhook's endpoint; no key changes or revokes a key that may do more than itself. A thing
of another account is 404. Off loopback, TLS is required. Pages of this server have a cookie instead, from `POST /v1/auth/session`:
what changes something needs their `Origin` besides (403 `cross_site_request`), and a `Host` that is an address, localhost or
a configured name (421 `misdirected_request`). What is for who operates the installation needs a user of that role.

**Bodies** are JSON (`Content-Type: application/json`), UTF-8, nested at most 32 deep, with 131,072 values at most. `null` is the
same as absent. Fields marked with * must be there in a request, and are always there in a response. A failure has the shape of
[Error](#error): branch on its `name`; `message` is for people and says which field is wrong.

**Lists** come in pages: `limit` says how many; while `has_more` is true, the answer's `next` as `after` goes on. It is to be given
back as it is: what stands in it may change. A page may be shorter than `limit`, even empty, with more behind it.

**Limits.** An account's keys make `http_requests_per_second` requests (100 unless configured otherwise) together, its signed-in
people as many. Requests that send mail are counted apart, by the plan's rate where it is higher, or ten times the number where the
plan has no rate; their messages count against the plan besides. Without a credential an address (an IPv6 /64 is one) makes 50. One
more is 429 `rate_limited`. Where there is a rate, answers carry `RateLimit-Limit`, `-Remaining` and `-Reset`, of messages where the
request sends some, and 429 `Retry-After` in seconds.

**Again.** What `GET` answers has an `ETag`; with `If-None-Match` what has not changed is 304. A client's own cache may keep it and
has to ask each time (`private, no-cache`), no other may. JSON of 1 KiB to 1 MiB goes in gzip to who takes it.

Every response has an `X-Request-Id`, which the log has too. `/api/…` is another name of `/v1/…`, and `HEAD` is answered like `GET`.
)";

std::string_view view(const json::value& text) { return {text.get_string().data(), text.get_string().size()}; }

std::string upper(std::string_view method) {
  std::string text;
  for (const char c : method) text += static_cast<char>(c - 'a' + 'A');
  return text;
}

bool is_by_named_key(const json::object& operation) {
  const json::value* const parameters = operation.if_contains("parameters");
  if (parameters == nullptr) return false;
  const auto is_acting = [](const json::value& parameter) {
    const json::value* const name = parameter.get_object().if_contains("name");
    return name != nullptr && view(*name) == kActingKey.name;
  };
  return std::ranges::any_of(parameters->get_array(), is_acting);
}

std::string credential_words(const json::object& operation) {
  const json::array& security = operation.at("security").get_array();
  switch (security.size()) {
    case 0: return "none";
    case 1: return security[0].get_object().contains("apiKey") ? "an API key" : "a session of who operates the installation";
    default:
      return is_by_named_key(operation) ? "an API key, or a session token together with the id of a key"
                                        : "an API key with `full_access`, or a session token";
  }
}

class Reference {
 public:
  explicit Reference(const json::object& openapi)
      : openapi_(openapi), schemas_(openapi.at("components").at("schemas").get_object()), text_(schemas_) {}

  std::string make() const {
    std::string page(kIntroduction);
    for (const auto& [tag, sections] : sections_by_tag()) {
      page += "\n## " + tag + '\n';
      for (const std::string& section : sections) page += section;
    }
    page += "\n## Objects\n";
    for (const auto& [name, schema] : schemas_) page += describe_schema(name, schema.get_object());
    return page;
  }

 private:
  // In the order of the tables.
  std::vector<std::pair<std::string, std::vector<std::string>>> sections_by_tag() const {
    std::vector<std::pair<std::string, std::vector<std::string>>> tags;
    for (const auto& [path, item] : openapi_.at("paths").get_object()) {
      for (const auto& [method, operation] : item.get_object()) {
        const std::string tag(view(operation.at("tags").at(0)));
        auto section = std::ranges::find(tags, tag, [](const auto& row) { return row.first; });
        if (section == tags.end()) section = tags.insert(tags.end(), {tag, {}});
        section->second.push_back(describe_operation(upper(method) + ' ' + std::string(path), operation.get_object()));
      }
    }
    return tags;
  }

  std::string describe_operation(const std::string& title, const json::object& operation) const {
    const std::string id(view(operation.at("operationId")));
    std::string section = "\n### " + title + "\n\n" + std::string(view(operation.at("summary"))) + ".\n\n";
    section += "Credential: " + credential_words(operation) + ". Operation: `" + id + "`.\n";
    if (operation.contains("parameters")) section += describe_parameters(operation.at("parameters").get_array());
    if (const json::value* body = operation.if_contains("requestBody")) {
      section += "\nRequest: " + describe_content(body->at("content").get_object());
    }
    std::string failures;
    for (const auto& [status, response] : operation.at("responses").get_object()) {
      if (status.starts_with('2')) {
        section += "\nResponse " + std::string(status) + ": " + describe_content(response.at("content").get_object());
      } else if (status != "default") {
        failures += (failures.empty() ? "" : ", ") + std::string(status);
      }
    }
    return failures.empty() ? section : section + "\nFailures: " + failures + ".\n";
  }

  std::string describe_parameters(const json::array& parameters) const {
    std::string table = "\n| parameter | in | type | |\n|---|---|---|---|\n";
    for (const json::value& parameter : parameters) {
      const json::value* description = parameter.get_object().if_contains("description");
      table += "| `" + std::string(view(parameter.at("name"))) + (parameter.at("required").get_bool() ? "` * | " : "` | ") +
               std::string(view(parameter.at("in"))) + " | " + text_.type(parameter.at("schema").get_object()) + " | " +
               (description == nullptr ? std::string() : std::string(view(*description))) + " |\n";
    }
    return table;
  }

  std::string describe_content(const json::object& content) const {
    std::string text;
    for (const auto& [type, media] : content) {
      if (!text.empty()) text += "\nOr: ";
      const json::object& schema = media.at("schema").get_object();
      const bool is_json = type == "application/json";
      if (is_json) {
        text += text_.type(schema) + "\n\n```json\n" + text_.example(schema) + "\n```\n";
      } else {
        text += '`' + std::string(type) + "`\n";
      }
    }
    return text;
  }

  std::string describe_schema(std::string_view name, const json::object& schema) const {
    const std::string fields = text_.fields(schema);
    const json::value* description = schema.if_contains("description");
    std::string section = "\n### " + std::string(name) + "\n\n";
    if (description != nullptr) section += std::string(view(*description)) + "\n\n";
    return section + (fields.empty() ? text_.type(schema) + '\n' : fields);
  }

  const json::object& openapi_;
  const json::object& schemas_;
  SchemaText text_;
};

}  // namespace

std::string make_api_reference(const json::object& openapi) { return Reference(openapi).make(); }

}  // namespace postern::api
