#include "reports/tls_report.h"

#include "core/bytes.h"
#include "core/time_format.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

namespace postern::reports {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  return value.is_string() ? printable_utf8(value.get_string(), kMaxTlsTextOctets) : std::string();
}

std::string text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? std::string() : text_of(*value);
}

std::uint64_t count_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code problem;
  const auto count = value == nullptr ? 0 : value->to_number<std::uint64_t>(problem);
  return problem ? 0 : count;
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// A list of texts, or the one that some write instead.
std::vector<std::string> lines_in(const json::object& object, std::string_view name) {
  std::vector<std::string> lines;
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return lines;
  if (value->is_string()) lines.push_back(text_of(*value));
  if (!value->is_array()) return lines;
  for (const json::value& line : value->get_array()) {
    if (lines.size() == kMaxTlsLines) break;
    if (line.is_string()) lines.push_back(text_of(line));
  }
  return lines;
}

Instant instant_in(const json::object& object, std::string_view name) {
  const auto instant = parse_date_time(text_in(object, name));
  return instant ? *instant : Instant{};
}

TlsFailure read_failure(const json::object& object) {
  return {.type = text_in(object, "result-type"),
          .sending_address = text_in(object, "sending-mta-ip"),
          .receiving_host = text_in(object, "receiving-mx-hostname"),
          .receiving_helo = text_in(object, "receiving-mx-helo"),
          .receiving_address = text_in(object, "receiving-ip"),
          .sessions = count_in(object, "failed-session-count"),
          .more = text_in(object, "additional-information"),
          .reason = text_in(object, "failure-reason-code")};
}

TlsPolicyResult read_policy(const json::object& object) {
  TlsPolicyResult result;
  if (const json::object* policy = object_in(object, "policy"); policy != nullptr) {
    result.type = text_in(*policy, "policy-type");
    result.domain = to_ascii_lower(text_in(*policy, "policy-domain"));
    result.lines = lines_in(*policy, "policy-string");
    result.hosts = lines_in(*policy, "mx-host");
  }
  if (const json::object* summary = object_in(object, "summary"); summary != nullptr) {
    result.successful = count_in(*summary, "total-successful-session-count");
    result.failed = count_in(*summary, "total-failure-session-count");
  }
  const json::value* failures = object.if_contains("failure-details");
  if (failures == nullptr || !failures->is_array()) return result;
  for (const json::value& failure : failures->get_array()) {
    if (result.failures.size() == kMaxTlsFailures) break;
    if (failure.is_object()) result.failures.push_back(read_failure(failure.get_object()));
  }
  return result;
}

void put(json::object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

json::object write_failure(const TlsFailure& failure) {
  json::object object{{"result-type", failure.type}};
  put(object, "sending-mta-ip", failure.sending_address);
  put(object, "receiving-mx-hostname", failure.receiving_host);
  put(object, "receiving-mx-helo", failure.receiving_helo);
  put(object, "receiving-ip", failure.receiving_address);
  object["failed-session-count"] = failure.sessions;
  put(object, "additional-information", failure.more);
  put(object, "failure-reason-code", failure.reason);
  return object;
}

json::object write_policy(const TlsPolicyResult& result) {
  json::object policy{{"policy-type", result.type}, {"policy-domain", result.domain}};
  if (!result.lines.empty()) policy["policy-string"] = json::array(result.lines.begin(), result.lines.end());
  if (!result.hosts.empty()) policy["mx-host"] = json::array(result.hosts.begin(), result.hosts.end());
  json::object object{{"policy", std::move(policy)},
                      {"summary", json::object{{"total-successful-session-count", result.successful},
                                               {"total-failure-session-count", result.failed}}}};
  if (result.failures.empty()) return object;
  json::array failures;
  for (const TlsFailure& failure : result.failures) failures.push_back(write_failure(failure));
  object["failure-details"] = std::move(failures);
  return object;
}

}  // namespace

Result<TlsReport> read_tls_report(std::string_view text) {
  if (text.size() > kMaxTlsReportOctets) return Error(ErrorCode::LimitExceeded, "the report is too big");
  json::parse_options options;
  options.max_depth = kMaxTlsReportDepth;
  boost::system::error_code problem;
  const json::value value = json::parse(text, problem, {}, options);
  if (problem) return Error(ErrorCode::Malformed, "the report is no JSON: " + problem.message());
  const json::object* object = value.if_object();
  const json::value* policies = object == nullptr ? nullptr : object->if_contains("policies");
  if (policies == nullptr || !policies->is_array()) return Error(ErrorCode::Malformed, "the JSON is no TLS report");
  TlsReport report{.organization = text_in(*object, "organization-name"),
                   .contact = text_in(*object, "contact-info"),
                   .id = text_in(*object, "report-id")};
  if (const json::object* range = object_in(*object, "date-range"); range != nullptr) {
    report.begin = instant_in(*range, "start-datetime");
    report.end = instant_in(*range, "end-datetime");
  }
  for (const json::value& policy : policies->get_array()) {
    if (report.policies.size() == kMaxTlsPolicies) break;
    if (policy.is_object()) report.policies.push_back(read_policy(policy.get_object()));
  }
  return report;
}

std::vector<std::string> find_tls_report_uris(const std::vector<std::string>& texts) {
  constexpr std::string_view kVersion = "v=TLSRPTv1";
  const std::string* found = nullptr;
  for (const std::string& text : texts) {
    const std::string_view behind = std::string_view(text).substr(std::min(text.size(), kVersion.size()));
    if (!text.starts_with(kVersion) || !trim_ascii_space(behind).starts_with(';')) continue;
    if (std::exchange(found, &text) != nullptr) return {};
  }
  std::vector<std::string> uris;
  for (std::string_view rest = found == nullptr ? std::string_view() : *found; !rest.empty();) {
    const std::string_view field = trim_ascii_space(rest.substr(0, rest.find(';')));
    rest.remove_prefix(std::min(rest.size(), rest.find(';') == std::string_view::npos ? rest.size() : rest.find(';') + 1));
    if (!field.starts_with("rua=")) continue;
    for (std::string_view list = field.substr(4); !list.empty() && uris.size() < kMaxTlsReportUris;) {
      const std::string_view uri = trim_ascii_space(list.substr(0, list.find(',')));
      list.remove_prefix(std::min(list.size(), list.find(',') == std::string_view::npos ? list.size() : list.find(',') + 1));
      const bool is_known = starts_with_ignoring_case(uri, "mailto:") || starts_with_ignoring_case(uri, "https://");
      if (is_known && is_printable_ascii(uri)) uris.emplace_back(uri);
    }
  }
  return uris;
}

std::string format_tls_report(const TlsReport& report) {
  json::array policies;
  for (const TlsPolicyResult& policy : report.policies) policies.push_back(write_policy(policy));
  return json::serialize(json::object{
      {"organization-name", report.organization},
      {"date-range", json::object{{"start-datetime", format_rfc3339(report.begin)}, {"end-datetime", format_rfc3339(report.end)}}},
      {"contact-info", report.contact},
      {"report-id", report.id},
      {"policies", std::move(policies)}});
}

}  // namespace postern::reports
