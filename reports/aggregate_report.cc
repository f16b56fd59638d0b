// expat calls back for each element; where we are is the path of local names from the root. A table says what becomes of a text.
#include "reports/aggregate_report.h"

#include "core/bytes.h"

#include <expat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace postern::reports {
namespace {

using Take = void (*)(AggregateReport&, AggregateRow&, std::string&);

void take_instant(Instant& place, std::string_view text) {
  const auto seconds = parse_unsigned(trim_ascii_space(text));
  // Beyond the year 9999 it is no time.
  if (seconds && *seconds < 253'402'300'800) place = Instant(std::chrono::seconds(*seconds));
}

std::vector<ReportedResult>::reference last(std::vector<ReportedResult>& results) {
  if (results.empty()) results.emplace_back();
  return results.back();
}

ReportedReason& last_reason(AggregateRow& row) {
  if (row.reasons.empty()) row.reasons.emplace_back();
  return row.reasons.back();
}

struct ElementRow {
  std::string_view path;
  Take take;
};
constexpr std::array kElements = {
    ElementRow{"report_metadata/org_name", [](auto& report, auto&, auto& text) { report.organization = text; }},
    ElementRow{"report_metadata/email", [](auto& report, auto&, auto& text) { report.email = text; }},
    ElementRow{"report_metadata/report_id", [](auto& report, auto&, auto& text) { report.id = text; }},
    ElementRow{"report_metadata/date_range/begin", [](auto& report, auto&, auto& text) { take_instant(report.begin, text); }},
    ElementRow{"report_metadata/date_range/end", [](auto& report, auto&, auto& text) { take_instant(report.end, text); }},
    ElementRow{"policy_published/domain", [](auto& report, auto&, auto& text) { report.domain = to_ascii_lower(text); }},
    ElementRow{"policy_published/p", [](auto& report, auto&, auto& text) { report.policy = to_ascii_lower(text); }},
    ElementRow{"policy_published/sp", [](auto& report, auto&, auto& text) { report.subdomain_policy = to_ascii_lower(text); }},
    ElementRow{"policy_published/np", [](auto& report, auto&, auto& text) { report.nonexistent_policy = to_ascii_lower(text); }},
    ElementRow{"policy_published/testing", [](auto& report, auto&, auto& text) { report.is_testing = text == "y"; }},
    ElementRow{"record/row/source_ip",
               [](auto&, auto& row, auto& text) { row.source = parse_ip_address(text).value_or(IpAddress{}); }},
    ElementRow{"record/row/count", [](auto&, auto& row, auto& text) { row.count = parse_unsigned(text).value_or(0); }},
    ElementRow{"record/row/policy_evaluated/disposition",
               [](auto&, auto& row, auto& text) { row.disposition = to_ascii_lower(text); }},
    ElementRow{"record/row/policy_evaluated/dkim",
               [](auto&, auto& row, auto& text) { row.is_dkim_aligned = equals_ignoring_case(text, "pass"); }},
    ElementRow{"record/row/policy_evaluated/spf",
               [](auto&, auto& row, auto& text) { row.is_spf_aligned = equals_ignoring_case(text, "pass"); }},
    ElementRow{"record/row/policy_evaluated/reason/type",
               [](auto&, auto& row, auto& text) { last_reason(row).type = to_ascii_lower(text); }},
    ElementRow{"record/row/policy_evaluated/reason/comment", [](auto&, auto& row, auto& text) { last_reason(row).comment = text; }},
    ElementRow{"record/identifiers/header_from", [](auto&, auto& row, auto& text) { row.header_from = to_ascii_lower(text); }},
    ElementRow{"record/identifiers/envelope_from", [](auto&, auto& row, auto& text) { row.envelope_from = to_ascii_lower(text); }},
    ElementRow{"record/identifiers/envelope_to", [](auto&, auto& row, auto& text) { row.envelope_to = to_ascii_lower(text); }},
    ElementRow{"record/auth_results/dkim/domain",
               [](auto&, auto& row, auto& text) { last(row.dkim).domain = to_ascii_lower(text); }},
    ElementRow{"record/auth_results/dkim/selector", [](auto&, auto& row, auto& text) { last(row.dkim).selector = text; }},
    ElementRow{"record/auth_results/dkim/result",
               [](auto&, auto& row, auto& text) { last(row.dkim).result = to_ascii_lower(text); }},
    ElementRow{"record/auth_results/spf/domain", [](auto&, auto& row, auto& text) { last(row.spf).domain = to_ascii_lower(text); }},
    ElementRow{"record/auth_results/spf/scope", [](auto&, auto& row, auto& text) { last(row.spf).scope = to_ascii_lower(text); }},
    ElementRow{"record/auth_results/spf/result", [](auto&, auto& row, auto& text) { last(row.spf).result = to_ascii_lower(text); }},
};

class ReportReader {
 public:
  ReportReader() : parser_(XML_ParserCreateNS(nullptr, ' ')) {
    if (parser_ == nullptr) return;
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), &ReportReader::on_start, &ReportReader::on_end);
    XML_SetCharacterDataHandler(parser_.get(), &ReportReader::on_text);
    XML_SetStartDoctypeDeclHandler(parser_.get(), &ReportReader::on_doctype);
  }

  Result<AggregateReport> read(std::string_view xml) {
    if (parser_ == nullptr) return Error(ErrorCode::LimitExceeded, "no memory for an XML parser");
    const XML_Status status = XML_Parse(parser_.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
    if (!problem_.empty()) return Error(ErrorCode::Malformed, problem_);
    if (status != XML_STATUS_OK) return Error(ErrorCode::Malformed, "the report is no XML: " + xml_problem());
    if (!is_feedback_ || report_.domain.empty() || report_.id.empty() || (report_.rows.empty() && report_.rows_left_out == 0)) {
      return Error(ErrorCode::Malformed, "the XML is no aggregate report");
    }
    return std::move(report_);
  }

 private:
  struct Free {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };

  static ReportReader& of(void* data) { return *static_cast<ReportReader*>(data); }
  static void on_start(void* data, const XML_Char* name, const XML_Char**) { of(data).start(name); }
  static void on_end(void* data, const XML_Char*) { of(data).end(); }
  static void on_text(void* data, const XML_Char* text, int octets) { of(data).add({text, static_cast<std::size_t>(octets)}); }
  static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    of(data).stop("the report has a document type");  // entities are declared there
  }

  std::string xml_problem() const {
    return XML_ErrorString(XML_GetErrorCode(parser_.get())) + std::string(" in line ") +
           std::to_string(XML_GetCurrentLineNumber(parser_.get()));
  }
  void stop(std::string problem) {
    problem_ = std::move(problem);
    XML_StopParser(parser_.get(), XML_FALSE);
  }

  void start(std::string_view name) {
    name = name.substr(name.rfind(' ') + 1);  // behind its namespace
    text_.clear();
    if (++depth_ > kMaxReportDepth) return stop("the report is nested too deep");
    if (depth_ == 1) {
      is_feedback_ = name == "feedback";
      return;
    }
    ends_.push_back(path_.size());
    path_.append(path_.empty() ? "" : "/").append(name.substr(0, kMaxNameOctets));
    if (path_ == "record") row_ = {};
    if (path_ == "record/auth_results/dkim") begin_result(row_.dkim);
    if (path_ == "record/auth_results/spf") begin_result(row_.spf);
    if (path_ == "record/row/policy_evaluated/reason" && row_.reasons.size() < kMaxRowResults) row_.reasons.emplace_back();
  }
  static void begin_result(std::vector<ReportedResult>& results) {
    if (results.size() < kMaxRowResults) results.emplace_back();
  }

  void add(std::string_view text) {
    text_.append(text.substr(0, kMaxReportTextOctets - std::min(kMaxReportTextOctets, text_.size())));
  }

  void end() {
    const auto element = std::ranges::find(kElements, path_, &ElementRow::path);
    if (element != kElements.end()) {
      std::string text = printable_utf8(trim_ascii_space(text_), kMaxReportTextOctets);
      element->take(report_, row_, text);
    }
    text_.clear();
    if (path_ == "record") end_row();
    --depth_;
    if (ends_.empty()) return;
    path_.resize(ends_.back());
    ends_.pop_back();
  }
  void end_row() {
    if (row_.source == IpAddress{} || report_.rows.size() == kMaxReportRows) {
      ++report_.rows_left_out;
    } else {
      report_.rows.push_back(std::move(row_));
    }
  }

  static constexpr std::size_t kMaxNameOctets = 64;

  std::unique_ptr<XML_ParserStruct, Free> parser_;
  AggregateReport report_;
  AggregateRow row_;
  std::string path_;               // below the root: "record/row/count"
  std::vector<std::size_t> ends_;  // of the path without its last names
  std::string text_;
  std::size_t depth_ = 0;
  bool is_feedback_ = false;
  std::string problem_;
};

}  // namespace

Result<AggregateReport> read_aggregate_report(std::string_view xml) {
  if (xml.size() > INT32_MAX) return Error(ErrorCode::LimitExceeded, "the report is too big");
  return ReportReader().read(xml);
}

}  // namespace postern::reports
