// A DNS for tests: what was published, by name and type, or no answer at all.
#pragma once

#include "dns/resolver.h"
#include "domains/domain_admin.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace postern::test {

class ScriptedResolver final : public dns::Resolver {
 public:
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> zone;
  bool is_down = false;
  std::size_t questions = 0;
  std::function<void()> before_next_answer;

  Result<dns::DnsAnswer> look_up(std::string_view name, std::string_view type) override {
    ++questions;
    if (const auto run = std::exchange(before_next_answer, nullptr)) run();
    if (is_down) return Error(ErrorCode::ResolveFailed, "timeout");
    const auto found = zone.find({std::string(name), std::string(type)});
    if (found == zone.end()) return dns::DnsAnswer{};
    return dns::DnsAnswer{.values = found->second, .exists = true, .is_secure = false};
  }
  void publish(const std::vector<domains::DnsRecordToPublish>& records, bool only_required = false) {
    for (const auto& record : records) {
      if (record.is_required || !only_required) zone[{record.name, record.type}] = {record.value};
    }
  }
};

}  // namespace postern::test
