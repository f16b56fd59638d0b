// A file that anybody may have sent as a report: read within its bounds, or not; a TLS report is written as it was read.
#include "reports/aggregate_report.h"
#include "reports/tls_report.h"
#include "reports/unpack.h"
#include "tests/fuzz/fuzz.h"

namespace postern::fuzz {

POSTERN_FUZZ(report) {
  const auto text = reports::unpack_report(input, 1'000'000);
  if (!text) return;
  POSTERN_CHECK(text->size() <= 1'000'000);
  if (const auto report = reports::read_aggregate_report(*text)) {
    POSTERN_CHECK(report->rows.size() <= reports::kMaxReportRows);
    for (const reports::AggregateRow& row : report->rows) {
      POSTERN_CHECK(row.dkim.size() <= reports::kMaxRowResults && row.header_from.size() <= reports::kMaxReportTextOctets);
    }
  }
  if (const auto report = reports::read_tls_report(*text)) {
    const std::string written = reports::format_tls_report(*report);
    const auto again = reports::read_tls_report(written);
    POSTERN_CHECK(again && reports::format_tls_report(*again) == written);
  }
  POSTERN_CHECK(reports::unpack_report(reports::pack_report(*text), text->size()).has_value() || text->size() > 100'000);
}

}  // namespace postern::fuzz
