// Any octets as a record's data, as a whole message and as the machine's own files: what is read of them is bounded, and names are
// such that no octet of theirs is taken for something else.
#include "dns/records.h"
#include "dns/system_files.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>

namespace postern::fuzz {
namespace {

void check_dns_name(const std::string& name) {
  constexpr std::size_t kMaxNameOctets = 255 * 4;  // each as \\DDD
  POSTERN_CHECK(!name.empty() && name.size() <= kMaxNameOctets);
  POSTERN_CHECK(std::ranges::all_of(name, [](char c) { return c > ' ' && c < 127; }));
}

template <class Record>
void check_dns_host(dns::Octets rdata) {
  if (const auto record = dns::parse_rdata<Record>(rdata)) check_dns_name(record->host);
}

}  // namespace

POSTERN_FUZZ(dns_answer) {
  const dns::Octets octets(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  check_dns_host<dns::Cname>(octets);
  check_dns_host<dns::Ptr>(octets);
  check_dns_host<dns::Mx>(octets);
  POSTERN_CHECK(dns::parse_rdata<dns::A>(octets).has_value() == (input.size() == 4));
  POSTERN_CHECK(dns::parse_rdata<dns::Aaaa>(octets).has_value() == (input.size() == 16));
  if (const auto text = dns::parse_rdata<dns::Txt>(octets)) POSTERN_CHECK(text->text.size() <= input.size());
  if (const auto tlsa = dns::parse_rdata<dns::Tlsa>(octets)) POSTERN_CHECK(tlsa->data.size() == input.size() - 3);
  const auto aliases = dns::find_aliases(octets);
  POSTERN_CHECK(aliases.size() <= dns::kMaxAliases);
  std::ranges::for_each(aliases, check_dns_name);
  const dns::ResolvConf conf = dns::parse_resolv_conf(input);
  POSTERN_CHECK(!conf.servers.empty());
  POSTERN_CHECK(!dns::candidate_names(input, conf).empty());
  POSTERN_CHECK(dns::parse_hosts(input).contains("localhost"));
}

}  // namespace postern::fuzz
