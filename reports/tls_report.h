// SMTP TLS reports (RFC 8460 §4): how TLS went with a domain's mail hosts in a day. Read from JSON that anybody may have sent, and
// written from what we saw ourselves. Pure.
#pragma once

#include "core/clock.h"
#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reports {

// Of JSON: its values take eight times as much while they are read.
inline constexpr std::size_t kMaxTlsReportOctets = 4 * 1'048'576;
inline constexpr std::size_t kMaxTlsReportDepth = 12;  // six are used
inline constexpr std::size_t kMaxTlsPolicies = 1'000;
inline constexpr std::size_t kMaxTlsFailures = 1'000;    // of one policy; further ones are left out
inline constexpr std::size_t kMaxTlsTextOctets = 1'024;  // of each text; what is longer is cut
inline constexpr std::size_t kMaxTlsLines = 200;         // of a policy, and of its hosts

// RFC 8460 §4.4.
struct TlsFailure {
  std::string type{};  // "certificate-expired"
  std::string sending_address{};
  std::string receiving_host{};
  std::string receiving_helo{};
  std::string receiving_address{};
  std::uint64_t sessions = 0;
  std::string more{};    // additional-information
  std::string reason{};  // failure-reason-code
  friend bool operator==(const TlsFailure&, const TlsFailure&) = default;
};

struct TlsPolicyResult {
  std::string type{};  // "tlsa", "sts", "no-policy-found"
  std::string domain{};
  std::vector<std::string> lines{};  // policy-string
  std::vector<std::string> hosts{};  // mx-host
  std::uint64_t successful = 0;
  std::uint64_t failed = 0;
  std::vector<TlsFailure> failures{};
  friend bool operator==(const TlsPolicyResult&, const TlsPolicyResult&) = default;
};

// Texts are valid UTF-8 without controls.
struct TlsReport {
  std::string organization{};
  std::string contact{};
  std::string id{};
  Instant begin{};
  Instant end{};
  std::vector<TlsPolicyResult> policies{};
  friend bool operator==(const TlsReport&, const TlsReport&) = default;
};

// Malformed: no JSON, or not of this kind: without policies. What is missing or of another type within is empty.
Result<TlsReport> read_tls_report(std::string_view json);

std::string format_tls_report(const TlsReport& report);

// Where reports go, of the TXT records at _smtp._tls.<domain>: the URIs of the one record there is (RFC 8460 §3); else nothing.
inline constexpr std::size_t kMaxTlsReportUris = 10;
std::vector<std::string> find_tls_report_uris(const std::vector<std::string>& texts);

}  // namespace postern::reports
