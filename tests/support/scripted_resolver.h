// A DNS for tests: what was published, by name and type, or no answer at all.
#pragma once

#include "relay/domain_admin.h"
#include "relay/resolver.h"

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace postern::test {

class ScriptedResolver final : public relay::Resolver {
 public:
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> zone;
  bool is_down = false;
  std::size_t questions = 0;
  std::function<void()> before_next_answer;

  Result<relay::DnsAnswer> look_up(std::string_view name, std::string_view type) override {
    ++questions;
    if (const auto run = std::exchange(before_next_answer, nullptr)) run();
    if (is_down) return Error(ErrorCode::ResolveFailed, "timeout");
    const auto found = zone.find({std::string(name), std::string(type)});
    if (found == zone.end()) return relay::DnsAnswer{};
    return relay::DnsAnswer{.values = found->second, .exists = true, .is_secure = false};
  }
  void publish(const std::vector<relay::DnsRecordToPublish>& records, bool only_required = false) {
    for (const auto& record : records) {
      if (record.is_required || !only_required) zone[{record.name, record.type}] = {record.value};
    }
  }
};

}  // namespace postern::test
