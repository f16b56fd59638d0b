// Reports about mail: postern inbound report reads one of DMARC or of TLS as those that arrive are, postern explain tls says what
// one of ours would say.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "core/mailbox.h"
#include "dns/unbound_resolver.h"
#include "reports/report_mail.h"
#include "reports/tls_results.h"
#include "reports/unpack.h"
#include "store/notebook.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace postern::app {
namespace {

json::array results_json(const std::vector<reports::ReportedResult>& results) {
  json::array list;
  for (const reports::ReportedResult& one : results) {
    json::object value{{"domain", one.domain}, {"result", one.result}};
    if (!one.selector.empty()) value["selector"] = one.selector;
    if (!one.scope.empty()) value["scope"] = one.scope;
    list.push_back(std::move(value));
  }
  return list;
}

json::object row_json(const reports::AggregateRow& row) {
  json::array reasons;
  for (const reports::ReportedReason& one : row.reasons) {
    reasons.push_back(json::object{{"type", one.type}, {"comment", one.comment}});
  }
  return {{"source_ip", format_ip_address(row.source)},
          {"count", row.count},
          {"disposition", row.disposition},
          {"dkim_aligned", row.is_dkim_aligned},
          {"spf_aligned", row.is_spf_aligned},
          {"header_from", row.header_from},
          {"envelope_from", row.envelope_from},
          {"envelope_to", row.envelope_to},
          {"reasons", std::move(reasons)},
          {"dkim", results_json(row.dkim)},
          {"spf", results_json(row.spf)}};
}

std::string described(const std::vector<reports::ReportedResult>& results) {
  std::string text;
  for (const reports::ReportedResult& one : results) text += (text.empty() ? "" : ", ") + one.result + " " + one.domain;
  return text.empty() ? "-" : text;
}

void print_report(CommandContext& context, const reports::AggregateReport& report) {
  json::array rows;
  std::vector<std::vector<std::string>> table;
  for (const reports::AggregateRow& row : report.rows) {
    rows.push_back(row_json(row));
    table.push_back({format_ip_address(row.source), std::to_string(row.count), row.header_from, row.disposition,
                     row.is_dkim_aligned ? "yes" : "no", row.is_spf_aligned ? "yes" : "no", described(row.dkim),
                     described(row.spf)});
  }
  const json::object value{{"kind", "aggregate"},
                           {"organization", report.organization},
                           {"email", report.email},
                           {"report_id", report.id},
                           {"begin", api::instant_json(report.begin)},
                           {"end", api::instant_json(report.end)},
                           {"domain", report.domain},
                           {"policy", report.policy},
                           {"subdomain_policy", report.subdomain_policy},
                           {"nonexistent_policy", report.nonexistent_policy},
                           {"testing", report.is_testing},
                           {"rows", std::move(rows)},
                           {"rows_left_out", report.rows_left_out}};
  context.print(value, format_facts({{"from", report.organization},
                                     {"report", report.id},
                                     {"of", report.domain + ", policy " + report.policy},
                                     {"begin", format_time(report.begin)},
                                     {"end", format_time(report.end)}}) +
                           format_table({"SOURCE", "MAILS", "FROM", "DISPOSITION", "DKIM", "SPF", "SIGNED", "ENVELOPE"}, table));
  if (report.rows_left_out > 0) context.tell_more(report.rows_left_out);
}

json::object failure_json(const reports::TlsFailure& failure) {
  return {{"result_type", failure.type},
          {"sending_mta_ip", failure.sending_address},
          {"receiving_mx_hostname", failure.receiving_host},
          {"receiving_mx_helo", failure.receiving_helo},
          {"receiving_ip", failure.receiving_address},
          {"failed_session_count", failure.sessions},
          {"additional_information", failure.more},
          {"failure_reason_code", failure.reason}};
}

using TableRows = std::vector<std::vector<std::string>>;

// Each row begins with the day, or with the policy's domain where there is none.
json::array policies_json(const reports::TlsReport& report, const std::string& day, TableRows& table) {
  json::array policies;
  for (const reports::TlsPolicyResult& policy : report.policies) {
    json::array failures;
    const std::string& first = day.empty() ? policy.domain : day;
    table.push_back({first, policy.type, std::to_string(policy.successful), std::to_string(policy.failed), "-", "-"});
    for (const reports::TlsFailure& one : policy.failures) {
      failures.push_back(failure_json(one));
      table.push_back({first, policy.type, "-", std::to_string(one.sessions), one.type, one.receiving_host});
    }
    policies.push_back(json::object{{"policy_type", policy.type},
                                    {"policy_domain", policy.domain},
                                    {"policy_string", json::array(policy.lines.begin(), policy.lines.end())},
                                    {"mx_host", json::array(policy.hosts.begin(), policy.hosts.end())},
                                    {"successful_session_count", policy.successful},
                                    {"failed_session_count", policy.failed},
                                    {"failures", std::move(failures)}});
  }
  return policies;
}

void print_report(CommandContext& context, const reports::TlsReport& report) {
  TableRows table;
  json::array policies = policies_json(report, "", table);
  const json::object value{{"kind", "tls"},
                           {"organization", report.organization},
                           {"contact", report.contact},
                           {"report_id", report.id},
                           {"begin", api::instant_json(report.begin)},
                           {"end", api::instant_json(report.end)},
                           {"policies", std::move(policies)}};
  context.print(value, format_facts({{"from", report.organization},
                                     {"report", report.id},
                                     {"begin", format_time(report.begin)},
                                     {"end", format_time(report.end)}}) +
                           format_table({"DOMAIN", "POLICY", "SUCCEEDED", "FAILED", "WHY", "HOST"}, table));
}

}  // namespace

Result<void> read_report_file(CommandContext& context, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::NotFound, "cannot read " + printable(path));
  std::string octets(reports::kMaxReportOctets + 1, '\0');
  file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
  octets.resize(static_cast<std::size_t>(file.gcount()));
  if (octets.size() > reports::kMaxReportOctets) return Error(ErrorCode::LimitExceeded, printable(path) + " is too big");
  auto report = reports::read_report(octets);
  if (!report && report.error().code() == ErrorCode::Malformed) {
    // Neither XML nor JSON, packed or not: the mail that brought it.
    auto mailed = reports::read_report_mail(octets);
    if (mailed || mailed.error().code() != ErrorCode::NotFound) report = std::move(mailed);
  }
  if (!report) return report.error();
  std::visit([&](const auto& read) { print_report(context, read); }, *report);
  return {};
}

Result<void> explain_tls(CommandContext& context, const std::string& address) {
  const std::string domain = normalised_domain(address.substr(address.rfind('@') + 1));
  if (!is_valid_domain(domain, false)) return Error(ErrorCode::InvalidArgument, printable(address) + " has no domain");
  const auto resolver = dns::open_resolver(make_resolver_settings(context.settings()));
  if (!resolver) return Error(ErrorCode::ResolveFailed, "the DNS cannot be asked: " + resolver.error().context());
  const auto answer = dns::look_up_and_wait<dns::Txt>(**resolver, "_smtp._tls." + domain);
  std::vector<std::string> texts;
  for (const dns::Txt& record : answer.records) texts.push_back(record.text);
  const std::vector<std::string> uris = reports::find_tls_report_uris(texts);
  std::string listed = dns::is_answer(answer.finding) ? "nobody asks for reports" : "the DNS gives no answer: " + answer.why;
  if (!uris.empty()) listed.clear();
  for (const std::string& uri : uris) listed += (listed.empty() ? "" : ", ") + uri;
  json::array days;
  TableRows table;
  const std::filesystem::path& data_dir = context.settings().data_dir;
  if (std::filesystem::exists(data_dir / "notebook")) {
    const auto notebook = store::Notebook::open(data_dir);
    if (!notebook) return notebook.error();
    for (int age = 0; age < reports::kTlsResultDays; ++age) {
      const std::string day = reports::utc_day(context.clock().now() - std::chrono::days(age));
      const auto kept = (*notebook)->find(store::NotebookTable::TlsResults, reports::tls_results_key(day, domain));
      if (!kept) return kept.error();
      const auto report = *kept ? reports::read_tls_report(**kept) : Error(ErrorCode::NotFound);
      if (report) days.push_back(json::object{{"day", day}, {"policies", policies_json(*report, day, table)}});
    }
  }
  const json::object value{{"domain", domain}, {"reports_to", json::array(uris.begin(), uris.end())}, {"days", std::move(days)}};
  std::string text = format_facts({{"domain", domain}, {"reports to", listed}});
  text += table.empty() ? "no session was seen within " + std::to_string(reports::kTlsResultDays) + " days\n"
                        : format_table({"DAY", "POLICY", "SUCCEEDED", "FAILED", "WHY", "HOST"}, table);
  context.print(value, text);
  return {};
}

}  // namespace postern::app
