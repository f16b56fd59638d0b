// A DNS for tests: what was published, by name and type, or no answer at all.
#pragma once

#include "dns/resolver.h"
#include "domains/domain_admin.h"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::test {

class ScriptedResolver final : public dns::Resolver {
 public:
  // Texts: of a TXT record, or an address.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> zone;
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
    if (!is_down) {
      const auto found = zone.find({question.name, std::string(type_name(question.type))});
      if (found != zone.end()) {
        for (const std::string& text : found->second) answer.rdata.push_back(rdata_of(question.type, text));
      }
      answer.finding = answer.rdata.empty() ? dns::Finding::NoName : dns::Finding::Found;
    }
    done(std::move(answer));
  }
  void publish(const std::vector<domains::DnsRecordToPublish>& records, bool only_required = false) {
    for (const auto& record : records) {
      if (record.is_required || !only_required) zone[{record.name, record.type}] = {record.value};
    }
  }

 private:
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
    const auto address = parse_ip_address(text);
    const std::ptrdiff_t begin = type == dns::Type::A ? 12 : 0;
    return {address->octets.begin() + begin, address->octets.end()};
  }
};

}  // namespace postern::test
