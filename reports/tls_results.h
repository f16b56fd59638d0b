// How TLS went, session by session → what a report of a UTC day says of it (RFC 8460 §4). Pure but for where it is kept: in memory,
// and every minute in a memory that outlasts the process.
#pragma once

#include "reports/tls_report.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reports {

inline constexpr std::size_t kMaxTlsDomains = 10'000;  // in memory; further ones make all be written and read again
inline constexpr std::size_t kMaxDayPolicies = 16;     // of a domain and a day: one that changes its policy all the time
inline constexpr std::size_t kMaxDayFailures = 100;    // of a policy; further kinds are counted in its sum only
inline constexpr std::size_t kFlushedAtOnce = 200;     // by one session: others wait meanwhile
inline constexpr int kTlsResultDays = 8;               // kept

struct TlsSession {
  std::string type{};    // TlsPolicyResult's
  std::string domain{};  // the recipient's
  std::vector<std::string> lines{};
  std::vector<std::string> hosts{};
  std::optional<TlsFailure> failure{};  // of one session; nullopt: TLS as the policy wants it
};

// "2026-11-30"; and where the results of a day and a domain are kept.
std::string utc_day(Instant instant);
std::string tls_results_key(std::string_view day, std::string_view domain);

// On one thread.
class TlsResults {
 public:
  // Each may fail silently. A value is a report as format_tls_report() writes it.
  struct Memory {
    std::function<std::optional<std::string>(const std::string& key)> find;
    std::function<void(const std::string& key, std::string value)> put;
    std::function<void(const std::string& day)> erase_day;
  };
  explicit TlsResults(Memory memory) : memory_(std::move(memory)) {}
  // Calls flush().
  ~TlsResults();
  TlsResults(const TlsResults&) = delete;
  TlsResults& operator=(const TlsResults&) = delete;

  void add(const TlsSession& session, Instant now);
  // Writes what has changed.
  void flush();

 private:
  void begin_day(const std::string& day, Instant now);
  void flush_some(std::size_t limit);
  TlsReport& report_of(const std::string& key);

  Memory memory_;
  std::string day_;
  std::map<std::string, TlsReport> reports_;  // of today, by key
  std::set<std::string> changed_;
  Instant next_flush_{};
};

}  // namespace postern::reports
