// A report as it arrives: as a mail (RFC 8460 §5.3, RFC 9990), or as the file that was in it.
#pragma once

#include "reports/aggregate_report.h"
#include "reports/tls_report.h"

#include <string_view>
#include <variant>

namespace postern::reports {

using Report = std::variant<AggregateReport, TlsReport>;

// XML or JSON, as it is, in gzip or in a ZIP archive. Errors as the two readers' and unpack_report()'s.
Result<Report> read_report(std::string_view octets);

// The first attachment that is one. NotFound: none of them; else why the first that looked like one could not be read. Takes time
// in proportion to what is unpacked: any thread, but no I/O thread.
Result<Report> read_report_mail(std::string_view raw);

}  // namespace postern::reports
