#include "reports/tls_report_mail.h"

#include "core/base64.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/time_format.h"
#include "reports/unpack.h"

#include <algorithm>
#include <chrono>

namespace postern::reports {
namespace {

constexpr std::size_t kBase64Line = 76;  // RFC 2045 §6.8
constexpr std::string_view kBoundary = "=_tls-report";  // no line of base64 has "=_" in it
constexpr std::string_view kMailto = "mailto:";
constexpr std::string_view kHttps = "https://";

std::string seconds_of(Instant instant) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(instant).time_since_epoch().count());
}

std::string base64_lines(std::string_view octets) {
  const std::string encoded = encode_base64(octets);
  std::string lines;
  for (std::size_t at = 0; at < encoded.size(); at += kBase64Line) lines += encoded.substr(at, kBase64Line) + "\r\n";
  return lines;
}

}  // namespace

std::string tls_report_file_name(const TlsReport& report, std::string_view domain, std::string_view submitter) {
  return std::string(submitter) + "!" + std::string(domain) + "!" + seconds_of(report.begin) + "!" + seconds_of(report.end) +
         "!001.json.gz";
}

std::string format_tls_report_mail(const TlsReportMail& mail, const TlsReport& report) {
  const std::string boundary(kBoundary);
  const std::string file = tls_report_file_name(report, mail.domain, mail.submitter);
  std::string text;
  text += "From: <" + mail.from + ">\r\nTo: <" + mail.to + ">\r\n";
  text += "Subject: Report Domain: " + mail.domain + "\r\n Submitter: " + mail.submitter + "\r\n";
  text += " Report-ID: <" + report.id + ">\r\n";
  text += "Date: " + format_rfc5322_date(mail.date) + "\r\nMessage-ID: <" + mail.message_id + ">\r\n";
  text += "TLS-Report-Domain: " + mail.domain + "\r\nTLS-Report-Submitter: " + mail.submitter + "\r\n";
  text += "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  text += "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"" + boundary + "\"\r\n\r\n";
  text += "--" + boundary + "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  text += "This is a report on TLS with the mail hosts of " + mail.domain + "\r\n";
  text += "from " + format_rfc3339(report.begin) + " to " + format_rfc3339(report.end) + ",\r\nas " + mail.submitter;
  text += " saw it (RFC 8460). _smtp._tls." + mail.domain + " asks for it.\r\n";
  text += "\r\n--" + boundary + "\r\nContent-Type: " + std::string(kTlsReportType) + "\r\nContent-Transfer-Encoding: base64\r\n";
  text += "Content-Disposition: attachment;\r\n\tfilename=\"" + file + "\"\r\n\r\n";
  text += base64_lines(pack_report(format_tls_report(report)));
  text += "--" + boundary + "--\r\n";
  return text;
}

std::optional<std::string> mail_address_of(std::string_view uri) {
  if (!starts_with_ignoring_case(uri, kMailto)) return std::nullopt;
  const std::string_view address = uri.substr(kMailto.size());
  const auto mailbox = parse_mailbox(address.substr(0, address.find('?')));
  // What would need more than 7 bits to be written to has no place in a field of ours.
  if (!mailbox || mailbox->needs_smtputf8()) return std::nullopt;
  return format_mailbox(*mailbox);
}

std::optional<ReportPlace> report_place_of(std::string_view uri) {
  if (!starts_with_ignoring_case(uri, kHttps)) return std::nullopt;
  std::string_view rest = uri.substr(kHttps.size());
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  const std::size_t colon = std::min(authority.find(':'), authority.size());
  ReportPlace place;
  place.host = to_ascii_lower(authority.substr(0, colon));
  if (!is_valid_domain(place.host, false) || is_valid_address_literal(place.host)) return std::nullopt;
  if (colon < authority.size()) {
    constexpr std::uint64_t kHighestPort = 65'535;
    const auto port = parse_unsigned(authority.substr(colon + 1));
    if (!port || *port == 0 || *port > kHighestPort) return std::nullopt;
    place.port = static_cast<std::uint16_t>(*port);
  }
  place.target = rest.substr(end);
  if (!place.target.starts_with('/')) place.target.insert(0, "/");
  const auto is_of_target = [](char c) { return c > ' ' && c < '\x7f'; };
  return std::ranges::all_of(place.target, is_of_target) ? std::optional(place) : std::nullopt;
}

}  // namespace postern::reports
