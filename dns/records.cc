#include "dns/records.h"

#include "core/bytes.h"

#include <algorithm>
#include <array>

namespace postern::dns {
namespace {

constexpr std::size_t kMaxLabels = 128;       // RFC 1035 §3.1: 255 octets
constexpr std::size_t kMaxNameOctets = 255;   // on the wire, the root's octet included
constexpr std::size_t kMaxPointers = 16;      // of one compressed name
constexpr std::size_t kHeaderOctets = 12;     // RFC 1035 §4.1.1
constexpr std::uint16_t kCnameCode = 5;

constexpr std::array<std::string_view, kFindings> kFindingNames = {
    "found", "no_record", "no_name", "bogus", "failed", "timed_out", "cancelled"};

std::size_t be16_at(Octets octets, std::size_t at) { return octets[at] * 256U + octets[at + 1]; }

void append_label(std::string& name, Octets label) {
  if (!name.empty()) name += '.';
  for (const std::uint8_t octet : label) {
    const char c = static_cast<char>(octet);
    const bool is_plain = octet > 0x20 && octet < 0x7f && c != '.' && c != '\\';
    if (is_plain) {
      name += ascii_lower(c);
      continue;
    }
    name += '\\';
    for (const unsigned divisor : {100U, 10U, 1U}) name += static_cast<char>('0' + octet / divisor % 10);
  }
}

struct ReadName {
  std::string name;
  std::size_t end = 0;  // behind it, where it began
};

// The name at `at`. Compression pointers (RFC 1035 §4.1.4) may only lead back.
std::optional<ReadName> read_name(Octets message, std::size_t at, bool may_point) {
  ReadName read;
  std::size_t octets = 0;
  std::size_t pointers = 0;
  for (std::size_t labels = 0; labels < kMaxLabels && at < message.size(); ++labels) {
    const std::size_t length = message[at];
    if (length >= 0xC0) {
      if (!may_point || at + 1 >= message.size() || ++pointers > kMaxPointers) return std::nullopt;
      if (read.end == 0) read.end = at + 2;
      const std::size_t target = be16_at(message, at) & 0x3FFFU;
      if (target >= at) return std::nullopt;
      at = target;
      continue;
    }
    octets += length + 1;
    if (length > 63 || octets > kMaxNameOctets || length > message.size() - at - 1) return std::nullopt;
    if (length == 0) {
      if (read.end == 0) read.end = at + 1;
      if (read.name.empty()) read.name = ".";
      return read;
    }
    append_label(read.name, message.subspan(at + 1, length));
    at += length + 1;
  }
  return std::nullopt;
}

// A name that is the whole of `rdata`.
std::optional<std::string> whole_name(Octets rdata) {
  auto read = read_name(rdata, 0, false);
  if (!read || read->end != rdata.size()) return std::nullopt;
  return std::move(read->name);
}

std::string text_of(Octets octets) { return {octets.begin(), octets.end()}; }

struct Alias {
  std::string owner;
  std::string target;
};

struct ReadRecord {
  std::optional<Alias> alias;  // nullopt: a record of another type
  std::size_t end = 0;
};

std::optional<ReadRecord> read_record(Octets message, std::size_t at) {
  constexpr std::size_t kFixedOctets = 10;  // type, class, TTL, length
  auto owner = read_name(message, at, true);
  if (!owner || message.size() - owner->end < kFixedOctets) return std::nullopt;
  const std::size_t rdata = owner->end + kFixedOctets;
  const std::size_t length = be16_at(message, rdata - 2);
  if (length > message.size() - rdata) return std::nullopt;
  ReadRecord record{std::nullopt, rdata + length};
  if (be16_at(message, owner->end) != kCnameCode) return record;
  auto target = read_name(message, rdata, true);
  if (!target || target->end != record.end) return std::nullopt;
  record.alias = Alias{std::move(owner->name), std::move(target->name)};
  return record;
}

std::string_view nibbles() { return "0123456789abcdef"; }

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::A: return "A";
    case Type::Cname: return "CNAME";
    case Type::Ptr: return "PTR";
    case Type::Mx: return "MX";
    case Type::Txt: return "TXT";
    case Type::Aaaa: return "AAAA";
    case Type::Tlsa: return "TLSA";
  }
  return "";
}

std::string_view finding_name(Finding finding) {
  return kFindingNames[static_cast<std::size_t>(finding)];
}

template <>
std::optional<A> parse_rdata(Octets rdata) {
  A record;
  if (rdata.size() != 4) return std::nullopt;
  auto& octets = record.address.octets;
  octets[10] = octets[11] = 0xff;
  std::ranges::copy(rdata, octets.begin() + 12);
  return record;
}

template <>
std::optional<Aaaa> parse_rdata(Octets rdata) {
  Aaaa record;
  if (rdata.size() != record.address.octets.size()) return std::nullopt;
  std::ranges::copy(rdata, record.address.octets.begin());
  return record;
}

template <>
std::optional<Cname> parse_rdata(Octets rdata) {
  auto host = whole_name(rdata);
  return host ? std::optional(Cname{std::move(*host)}) : std::nullopt;
}

template <>
std::optional<Ptr> parse_rdata(Octets rdata) {
  auto host = whole_name(rdata);
  return host ? std::optional(Ptr{std::move(*host)}) : std::nullopt;
}

template <>
std::optional<Mx> parse_rdata(Octets rdata) {
  if (rdata.size() < 3) return std::nullopt;
  auto host = whole_name(rdata.subspan(2));
  if (!host) return std::nullopt;
  return Mx{static_cast<std::uint16_t>(be16_at(rdata, 0)), std::move(*host)};
}

template <>
std::optional<Txt> parse_rdata(Octets rdata) {
  Txt record;
  while (!rdata.empty()) {
    const std::size_t length = rdata.front();
    rdata = rdata.subspan(1);
    if (length > rdata.size()) return std::nullopt;
    record.text += text_of(rdata.first(length));
    rdata = rdata.subspan(length);
  }
  return record;
}

template <>
std::optional<Tlsa> parse_rdata(Octets rdata) {
  if (rdata.size() < 4) return std::nullopt;
  return Tlsa{rdata[0], rdata[1], rdata[2], text_of(rdata.subspan(3))};
}

std::vector<std::string> find_aliases(Octets message) {
  std::vector<std::string> chain;
  if (message.size() < kHeaderOctets || be16_at(message, 4) != 1) return chain;
  const auto question = read_name(message, kHeaderOctets, true);
  if (!question) return chain;
  std::vector<Alias> aliases;
  std::size_t at = question->end + 4;  // type and class
  for (std::size_t left = be16_at(message, 6); left > 0 && at < message.size(); --left) {
    auto record = read_record(message, at);
    if (!record || aliases.size() == kMaxAliases) break;
    if (record->alias) aliases.push_back(std::move(*record->alias));
    at = record->end;
  }
  std::string name = question->name;
  while (chain.size() < aliases.size()) {
    const auto next = std::ranges::find(aliases, name, &Alias::owner);
    if (next == aliases.end()) break;
    name = next->target;
    chain.push_back(name);
  }
  return chain;
}

std::string tlsa_name(std::uint16_t port, std::string_view host) {
  return "_" + std::to_string(port) + "._tcp." + std::string(host);
}

std::string reverse_name(const IpAddress& address) {
  std::string name;
  if (address.is_v4()) {
    for (std::size_t i = 16; i > 12; --i) name += std::to_string(address.octets[i - 1]) + ".";
    return name + "in-addr.arpa";
  }
  for (std::size_t i = 16; i > 0; --i) {
    const std::uint8_t octet = address.octets[i - 1];
    for (const unsigned nibble : {octet & 15U, octet / 16U}) {
      name += nibbles()[nibble];
      name += '.';
    }
  }
  return name + "ip6.arpa";
}

}  // namespace postern::dns
