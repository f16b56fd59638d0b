#include "dns/reverse_check.h"

#include "dns/records.h"

#include <algorithm>
#include <vector>

namespace postern::dns {
namespace {

constexpr std::size_t kMaxNames = 10;  // of an address, as RFC 7208 §5.5 has it

enum class Leads { Back, Elsewhere, Nowhere };

template <class Record>
Leads where_leads(Resolver& resolver, const std::string& name, const IpAddress& address) {
  const auto answer = look_up_and_wait<Record>(resolver, name);
  if (!is_answer(answer.finding)) return Leads::Nowhere;
  return std::ranges::find(answer.records, address, &Record::address) == answer.records.end() ? Leads::Elsewhere : Leads::Back;
}

Leads where_leads_name(Resolver& resolver, const std::string& name, const IpAddress& address) {
  return address.is_v4() ? where_leads<A>(resolver, name, address) : where_leads<Aaaa>(resolver, name, address);
}

}  // namespace

ReverseFinding check_reverse(Resolver& resolver, const IpAddress& address, std::string_view hostname) {
  const std::string place = format_ip_address(address);
  const auto names = look_up_and_wait<Ptr>(resolver, reverse_name(address));
  if (!is_answer(names.finding)) return {false, place + ": the DNS does not say its name: " + names.why};
  if (names.records.empty()) return {false, place + ": no PTR record; most receivers refuse mail from it"};
  std::vector<std::string> forward;
  bool is_answered = true;
  for (const Ptr& name : names.records) {
    if (&name - names.records.data() >= static_cast<std::ptrdiff_t>(kMaxNames)) break;
    const Leads leads = where_leads_name(resolver, name.host, address);
    if (leads == Leads::Back) forward.push_back(name.host);
    is_answered = is_answered && leads != Leads::Nowhere;
  }
  const std::string first = names.records.front().host;
  if (forward.empty() && !is_answered) return {false, place + ": the DNS does not say where its name " + first + " leads"};
  if (forward.empty()) return {false, place + ": its name " + first + " does not lead back to it; receivers take it for none"};
  const bool is_own = std::ranges::find(forward, hostname) != forward.end();
  if (is_own) return {true, place + ": " + std::string(hostname) + ", there and back"};
  return {false, place + ": its name is " + forward.front() + ", and EHLO says " + std::string(hostname) + "; let them agree"};
}

}  // namespace postern::dns
