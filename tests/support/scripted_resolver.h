// A DNS for tests: what was published, by name and type, or no answer at all.
#pragma once

#include "dns/resolver.h"
#include "domains/domain_admin.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::test {

class ScriptedResolver final : public dns::Resolver {
 public:
  // Texts: of a TXT record, or an address, "10 mx.example." of an MX, "3 1 1 \x01…" of a TLSA with its data as octets.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> zone;
  std::set<std::string> secure;  // names whose answers are validated, absences too
  std::set<std::string> broken;  // names without an answer
  bool is_down = false;
  bool is_silent = false;
  std::size_t questions = 0;
  std::function<void()> before_next_answer;

  void start(dns::Question question, Done done) override {
    ++questions;
    if (const auto run = std::exchange(before_next_answer, nullptr)) run();
    if (is_silent) return;
    dns::RawAnswer answer;
    answer.why = "timeout";
    answer.is_secure = secure.contains(question.name);
    if (!is_down && !broken.contains(question.name)) {
      const auto found = zone.find({question.name, std::string(type_name(question.type))});
      if (found != zone.end()) {
        for (const std::string& text : found->second) answer.rdata.push_back(rdata_of(question.type, text));
      }
      const bool has_name = std::ranges::any_of(zone, [&](const auto& row) { return row.first.first == question.name; });
      answer.finding = !answer.rdata.empty() ? dns::Finding::Found : has_name ? dns::Finding::NoRecord : dns::Finding::NoName;
    }
    done(std::move(answer));
  }
  void publish(const std::vector<domains::DnsRecordToPublish>& records, bool only_required = false) {
    for (const auto& record : records) {
      if (record.is_required || !only_required) zone[{record.name, record.type}] = {record.value};
    }
  }

 private:
  static std::string name_of(std::string_view text) {
    std::string name;
    while (!text.empty() && text != ".") {
      const std::string_view label = text.substr(0, text.find('.'));
      name += static_cast<char>(label.size());
      name += label;
      text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    return name + '\0';
  }
  static std::string rdata_of(dns::Type type, std::string_view text) {
    std::string rdata;
    if (type == dns::Type::Txt) {
      for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 255))) {
        const std::string_view part = text.substr(0, 255);
        rdata += static_cast<char>(part.size());
        rdata += part;
      }
      return rdata;
    }
    if (type == dns::Type::Mx) {
      const std::size_t space = text.find(' ');
      const int preference = std::stoi(std::string(text.substr(0, space)));
      const std::string octets{static_cast<char>(preference / 256), static_cast<char>(preference % 256)};
      return octets + name_of(text.substr(space + 1));
    }
    if (type == dns::Type::Tlsa) {
      return std::string{static_cast<char>(text[0] - '0'), static_cast<char>(text[2] - '0'), static_cast<char>(text[4] - '0')} +
             std::string(text.substr(6));
    }
    if (type == dns::Type::Ptr) return name_of(text);
    const auto address = parse_ip_address(text);
    const std::ptrdiff_t begin = type == dns::Type::A ? 12 : 0;
    return {address->octets.begin() + begin, address->octets.end()};
  }
};

}  // namespace postern::test
