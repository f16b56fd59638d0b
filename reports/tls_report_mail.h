// A TLS report on its way out (RFC 8460 §5): its mail, its file's name, and where the URIs of a domain's record lead. Pure.
#pragma once

#include "core/clock.h"
#include "reports/tls_report.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::reports {

inline constexpr std::string_view kTlsReportType = "application/tlsrpt+gzip";

struct TlsReportMail {
  std::string from{};        // an address; its domain signs
  std::string to{};
  std::string domain{};      // the policy's: whose mail the report is about
  std::string submitter{};   // our name
  std::string message_id{};  // without angle brackets
  Instant date{};
};

// "relay.example!example.org!1795996800!1796083199!001.json.gz".
std::string tls_report_file_name(const TlsReport& report, std::string_view domain, std::string_view submitter);
// Header and body, CRLF line ends, 7-bit: multipart/report of a sentence and the packed report. `TLS-Required: No` stands in it, so
// that no report is made about what becomes of it.
std::string format_tls_report_mail(const TlsReportMail& mail, const TlsReport& report);

// Of "mailto:reports@example.org"; nullopt: it is no such URI, or has no address. Fields behind a "?" are left out.
std::optional<std::string> mail_address_of(std::string_view uri);
struct ReportPlace {
  std::string host{};
  std::uint16_t port = 443;
  std::string target{};  // path and query
  friend bool operator==(const ReportPlace&, const ReportPlace&) = default;
};
// Of "https://reports.example.org/tls"; nullopt: it is no such URI, or names no host by a name.
std::optional<ReportPlace> report_place_of(std::string_view uri);

}  // namespace postern::reports
