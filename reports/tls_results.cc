#include "reports/tls_results.h"

#include "core/time_format.h"

#include <algorithm>

namespace postern::reports {
namespace {

constexpr Duration kFlushEvery = std::chrono::minutes(1);
constexpr Duration kFlushPause = std::chrono::milliseconds(50);  // between slices
constexpr int kForgottenDays = 32;                               // a process that was stopped for a month still tidies up

// Sessions of one kind are one line.
bool is_same_kind(const TlsFailure& a, const TlsFailure& b) {
  return a.type == b.type && a.receiving_host == b.receiving_host && a.receiving_address == b.receiving_address &&
         a.reason == b.reason;
}

void count_failure(TlsPolicyResult& policy, const TlsFailure& failure) {
  ++policy.failed;
  const auto same = std::ranges::find_if(policy.failures, [&](const TlsFailure& one) { return is_same_kind(one, failure); });
  if (same != policy.failures.end()) {
    ++same->sessions;
  } else if (policy.failures.size() < kMaxDayFailures) {
    policy.failures.push_back(failure);
    policy.failures.back().sessions = 1;
  }
}

}  // namespace

std::string utc_day(Instant instant) {
  return format_rfc3339(instant).substr(0, 10);
}

std::string tls_results_key(std::string_view day, std::string_view domain) {
  return std::string(day) + " " + std::string(domain);
}

TlsResults::~TlsResults() {
  flush();
}

void TlsResults::begin_day(const std::string& day, Instant now) {
  flush();
  reports_.clear();
  day_ = day;
  for (int age = kTlsResultDays; age < kTlsResultDays + kForgottenDays; ++age) {
    memory_.erase_day(utc_day(now - std::chrono::days(age)));
  }
}

TlsReport& TlsResults::report_of(const std::string& key) {
  const auto known = reports_.find(key);
  if (known != reports_.end()) return known->second;
  if (reports_.size() == kMaxTlsDomains) {
    flush();
    reports_.clear();
  }
  TlsReport& report = reports_[key];
  if (const auto kept = memory_.find(key)) {
    if (auto read = read_tls_report(*kept)) report = std::move(*read);
  }
  return report;
}

void TlsResults::add(const TlsSession& session, Instant now) {
  if (const std::string day = utc_day(now); day != day_) begin_day(day, now);
  const std::string key = tls_results_key(day_, session.domain);
  TlsReport& report = report_of(key);
  const auto is_same = [&](const TlsPolicyResult& one) {
    return one.type == session.type && one.lines == session.lines && one.hosts == session.hosts;
  };
  auto policy = std::ranges::find_if(report.policies, is_same);
  if (policy == report.policies.end()) {
    if (report.policies.size() == kMaxDayPolicies) return;
    report.policies.push_back({.type = session.type, .domain = session.domain, .lines = session.lines, .hosts = session.hosts});
    policy = report.policies.end() - 1;
  }
  if (session.failure) {
    count_failure(*policy, *session.failure);
  } else {
    ++policy->successful;
  }
  changed_.insert(key);
  if (now < next_flush_) return;
  flush_some(kFlushedAtOnce);
  next_flush_ = now + (changed_.empty() ? kFlushEvery : kFlushPause);
}

void TlsResults::flush_some(std::size_t limit) {
  for (; limit > 0 && !changed_.empty(); --limit) {
    const std::string key = *changed_.begin();
    memory_.put(key, format_tls_report(reports_[key]));
    changed_.erase(changed_.begin());
  }
}

void TlsResults::flush() {
  flush_some(changed_.size());
}

}  // namespace postern::reports
