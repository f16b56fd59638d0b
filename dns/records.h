// What the DNS says, as values: the records that mail needs, and an answer with what became of the
// question. Pure: octets in, values out; dns/resolver asks.
#pragma once

#include "core/ip_address.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::dns {

// RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 6698 §7.1.
enum class Type : std::uint16_t { A = 1, Cname = 5, Ptr = 12, Mx = 15, Txt = 16, Aaaa = 28, Tlsa = 52 };
std::string_view type_name(Type type);  // "AAAA"

inline constexpr std::size_t kMaxRecords = 100;  // of one answer: more is no mail set-up
inline constexpr std::size_t kMaxAliases = 16;   // libunbound follows a dozen

// A record's data, names uncompressed.
using Octets = std::span<const std::uint8_t>;

// Host names are in lower case, without the last dot; the root is ".". An octet that no host name has
// is written as \DDD (RFC 1035 §5.1), a dot inside a label too.
struct A {
  static constexpr Type kType = Type::A;
  IpAddress address;
};
struct Aaaa {
  static constexpr Type kType = Type::Aaaa;
  IpAddress address;
};
struct Cname {
  static constexpr Type kType = Type::Cname;
  std::string host;
};
struct Ptr {
  static constexpr Type kType = Type::Ptr;
  std::string host;
};
struct Mx {
  static constexpr Type kType = Type::Mx;
  std::uint16_t preference = 0;
  std::string host;
  bool is_null() const { return host == "."; }  // RFC 7505: the domain takes no mail
};
struct Txt {
  static constexpr Type kType = Type::Txt;
  std::string text;  // the strings of one record joined (RFC 7208 §3.3)
};
// RFC 6698 §2.1.
struct Tlsa {
  static constexpr Type kType = Type::Tlsa;
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;  // octets
};

// nullopt: malformed.
template <class Record>
std::optional<Record> parse_rdata(Octets rdata) = delete;
template <>
std::optional<A> parse_rdata(Octets rdata);
template <>
std::optional<Aaaa> parse_rdata(Octets rdata);
template <>
std::optional<Cname> parse_rdata(Octets rdata);
template <>
std::optional<Ptr> parse_rdata(Octets rdata);
template <>
std::optional<Mx> parse_rdata(Octets rdata);
template <>
std::optional<Txt> parse_rdata(Octets rdata);
template <>
std::optional<Tlsa> parse_rdata(Octets rdata);

// The targets of the aliases that lead on from the question's name, in order, from a whole message
// (RFC 1035 §4.1); those before the first that is malformed.
std::vector<std::string> find_aliases(Octets message);

// What became of a question. The first three are answers; after one of the others the same question
// may have an answer later.
enum class Finding {
  Found,
  NoRecord,   // the name exists, without a record of the type
  NoName,     // NXDOMAIN
  Bogus,      // DNSSEC: forged, or not to be validated
  Failed,     // SERVFAIL, REFUSED, no server reached, a malformed record
  TimedOut,
  Cancelled,  // by who asked, or at the end of the resolver
};
inline constexpr std::size_t kFindings = 7;
std::string_view finding_name(Finding finding);  // "no_record": for metrics and logs
constexpr bool is_answer(Finding finding) { return finding <= Finding::NoName; }

struct AnswerFacts {
  Finding finding = Finding::Failed;
  // Validated from the trust anchor down, every alias on the way and an absence too.
  bool is_secure = false;
  std::chrono::seconds ttl{0};
  std::vector<std::string> aliases;  // the names that the question's led to; the last has the records
  std::string why;                   // no answer: why not, for people

  bool is_found() const { return finding == Finding::Found; }
};

struct RawAnswer : AnswerFacts {
  std::vector<std::string> rdata;  // one a record; empty unless found
};

template <class Record>
struct Answer : AnswerFacts {
  std::vector<Record> records;  // at least one if found, at most kMaxRecords; none else
};

// One malformed record spoils the answer.
template <class Record>
Answer<Record> read_answer(RawAnswer raw) {
  Answer<Record> answer{std::move(static_cast<AnswerFacts&>(raw)), {}};
  for (const std::string& octets : raw.rdata) {
    if (answer.records.size() == kMaxRecords) break;
    const Octets rdata(reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size());
    auto record = parse_rdata<Record>(rdata);
    if (!record) {
      answer.finding = Finding::Failed;
      answer.why = "a record is malformed";
      answer.records.clear();
      break;
    }
    answer.records.push_back(std::move(*record));
  }
  return answer;
}

// Where the certificates of a service are published (RFC 6698 §3): "_25._tcp.mx.example.org".
std::string tlsa_name(std::uint16_t port, std::string_view host);
// Where an address has its name (RFC 1035 §3.5, RFC 3596 §2.5): "1.2.0.192.in-addr.arpa".
std::string reverse_name(const IpAddress& address);

}  // namespace postern::dns
