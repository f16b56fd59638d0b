// The transports of the server: SMTP for routes, the simulation for test messages.
#pragma once

#include "core/clock.h"
#include "mx/plan.h"
#include "net/awaitable.h"
#include "relay/destination_set.h"
#include "relay/dialogue.h"
#include "relay/provider_shaper.h"
#include "relay/run_book.h"
#include "reports/tls_results.h"

#include <memory>
#include <string>

namespace postern::store {
class Notebook;
class Spool;
}

namespace postern::domains {
class MessageSigner;
class ReturnPaths;
}

namespace postern::dns {
class Resolver;
}

namespace postern::relay {

struct TransportSettings {
  std::string hostname;  // for EHLO
  std::string simulator_domain = "simulator.postern.test";
  const domains::MessageSigner* signer = nullptr;  // of what had to be converted on its way out
  dns::Resolver* resolver = nullptr;               // null: next hops are addresses, and no route leads to mail hosts
  mx::PlanRules mx_rules{};
  const Clock* clock = nullptr;          // with it MTA-STS is obeyed
  const domains::ReturnPaths* return_paths = nullptr;  // as SmtpTransportOptions has it
  store::Notebook* notebook = nullptr;   // where its policies are kept
  std::shared_ptr<reports::TlsResults> tls_results{};  // where it is noted how TLS went; null: nowhere
  RunBook* runs = nullptr;               // whose scripts the simulation goes by
  std::shared_ptr<ProviderShapers> shapers{};  // by whom mail hosts are spared; null: by nobody
  DialogueBook* dialogues = nullptr;           // where what was said is kept; null: nowhere
};
// Kept in the notebook, which outlives them; on the queue's executor.
std::shared_ptr<reports::TlsResults> make_tls_results(store::Notebook& notebook);

// All that is pointed to outlives the transports, as does `spool`.
TransportFactory make_transport_factory(net::Executor executor, const store::Spool& spool,
                                        TransportSettings settings);

// Other rules from now on; null: nobody is shaped. `executor`: of the queue. Any thread.
void replace_shaping(const net::Executor& executor, std::shared_ptr<ProviderShapers> shapers,
                     std::shared_ptr<const Shaping> shaping);

}  // namespace postern::relay
