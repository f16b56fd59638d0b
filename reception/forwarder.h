// Sends on what came in, where a route says so: as mail of the account's own, under a return path of ours, sealed with ARC. On the
// thread that reads what comes back; what a crash interrupts is done again, and goes out once.
#pragma once

#include "domains/dkim_signer.h"
#include "reception/context.h"
#include "submission/quota.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace postern::reception {

struct ForwarderSettings {
  std::uint64_t per_route_and_day = 1'000;     // forwards, by UTC day; counted since the start
  std::uint64_t per_account_and_day = 10'000;
};

// All of it outlives the forwarder.
struct ForwarderParts {
  store::Store& store;
  const domains::ReturnPaths& return_paths;
  domains::DkimSigner::FindDomain find_domain;  // with its private keys
  const domains::MessageSigner* signer = nullptr;
  submission::QuotaTable& quota;
  const Clock& clock;
  std::function<void(const store::DueEntry&)> wake_queue;
  ForwarderSettings settings;
};

class Forwarder {
 public:
  explicit Forwarder(ForwarderParts parts) : parts_(std::move(parts)) {}

  // Queues each forward of `inbound` that waits, or says why it is not: neither waits afterwards. Blocks until synced. An error is
  // the store's: it is to be tried again.
  Result<void> forward(store::InboundRecord& inbound);

 private:
  Result<void> forward(store::InboundRecord& inbound, store::InboundForward& one, const store::StoredMessage& stored,
                       const std::string& content);
  // Counts it where it may be sent.
  std::string find_obstacle(const store::InboundForward& one, const store::AccountRecord& account);
  std::string take_of_day(const std::string& route, const AccountId& account, Instant now);
  Result<void> commit(const store::StoredMessage& stored, const store::InboundForward& one, const std::string& content);

  ForwarderParts parts_;
  Instant day_{};  // that the counts are of
  std::map<std::string, std::uint64_t> by_route_;
  std::map<AccountId, std::uint64_t> by_account_;
};

}  // namespace postern::reception
