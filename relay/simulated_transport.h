// The transport of test messages: asks sandbox/simulator what would have happened. It has no socket to open.
#pragma once

#include "relay/transport.h"

#include <string>
#include <string_view>
#include <vector>

namespace postern::relay {

class SimulatedTransport final : public Transport {
 public:
  // `simulator_domain` as in the sandbox settings: there the local part names the scenario.
  explicit SimulatedTransport(std::string_view simulator_domain);

  net::Awaitable<std::vector<RecipientReport>> deliver(DeliveryRequest request) override;
  void cancel() override {}  // nothing ever waits

 private:
  RecipientReport simulate(const store::StoredMessage& stored, std::uint32_t index) const;

  std::string simulator_domain_;
};

}  // namespace postern::relay
