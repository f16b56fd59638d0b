// SPF (RFC 7208): may this address send for the domain of the reverse-path? An evaluator of ours over dns/, since what others
// wrote resolves by itself and blocks.
#pragma once

#include "core/clock.h"
#include "core/ip_address.h"
#include "dns/resolver.h"
#include "net/awaitable.h"
#include "provenance/spf_record.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace postern::provenance {

// RFC 7208 §4.6.4.
inline constexpr std::size_t kMaxSpfTerms = 10;      // that ask the DNS, redirect among them
inline constexpr std::size_t kMaxVoidLookUps = 2;    // of these with an empty answer
inline constexpr std::size_t kMaxSpfNames = 10;      // hosts of one mx, names of one ptr
inline constexpr std::chrono::seconds kSpfTime{20};  // for all of it

struct SpfSubject {
  IpAddress client;
  std::string helo;      // as the client gave it
  std::string sender;    // "local@domain" of the reverse-path; empty: null, and HELO is what is checked (§2.4)
  std::string receiver;  // our name, for explanations
  Instant now{};
};

struct SpfVerdict {
  SpfResult result = SpfResult::None;
  std::string domain;       // that was checked: A-labels in lower case, or as it came where it is none
  bool is_helo = false;     // the reverse-path was null
  std::string why;          // for people: the term that matched, or what is wrong
  std::string explanation;  // of Fail: the domain's own words, printable ASCII; mostly empty
};

// On an executor of one thread; nothing of `resolver` is held afterwards. Ends within kSpfTime and one look-up.
net::Awaitable<SpfVerdict> check_spf(dns::Resolver& resolver, SpfSubject subject, dns::Cancellation* cancellation = nullptr);

}  // namespace postern::provenance
