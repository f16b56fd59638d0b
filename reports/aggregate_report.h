// DMARC's aggregate reports (RFC 9990, and RFC 7489 appendix C as most still write it): what others saw of a domain's mail in a
// day. Read from XML that anybody may have sent: no document type, so no entities; depth, rows and texts are bounded. Pure.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"
#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reports {

inline constexpr std::size_t kMaxReportRows = 10'000;       // further ones are counted
inline constexpr std::size_t kMaxReportTextOctets = 1'024;  // of one element; what is longer is cut
inline constexpr std::size_t kMaxReportDepth = 16;          // five are used
inline constexpr std::size_t kMaxRowResults = 20;           // signatures, reasons of one row

// One signature, or SPF's one result.
struct ReportedResult {
  std::string domain;
  std::string selector;  // DKIM
  std::string scope;     // SPF: "mfrom", "helo"
  std::string result;    // "pass"
};

struct ReportedReason {
  std::string type;  // "forwarded", "local_policy"
  std::string comment;
};

struct AggregateRow {
  IpAddress source;
  std::uint64_t count = 0;
  std::string disposition;  // "none", "quarantine", "reject", RFC 9990's "pass"
  bool is_dkim_aligned = false;
  bool is_spf_aligned = false;
  std::vector<ReportedReason> reasons{};
  std::string header_from;
  std::string envelope_from;
  std::string envelope_to;
  std::vector<ReportedResult> dkim{};
  std::vector<ReportedResult> spf{};
};

// Texts are valid UTF-8 without controls.
struct AggregateReport {
  std::string organization;
  std::string email;
  std::string id;
  Instant begin{};
  Instant end{};
  std::string domain;  // whose policy it was
  std::string policy;  // "none", "quarantine", "reject", as published
  std::string subdomain_policy;
  std::string nonexistent_policy;
  bool is_testing = false;
  std::vector<AggregateRow> rows{};
  std::uint64_t rows_left_out = 0;
};

// Malformed: no XML, with a document type, or not of this kind: without a domain, an id, or a row. A row that has no address is
// left out.
Result<AggregateReport> read_aggregate_report(std::string_view xml);

}  // namespace postern::reports
