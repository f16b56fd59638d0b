// A queue with the real SMTP transport, to a next hop on loopback that does as it is told.
#pragma once

#include "relay/transports.h"
#include "tests/support/fake_smarthost.h"
#include "tests/support/scripted_resolver.h"
#include "tests/unit/relay/queue_fixture.h"

namespace postern::relay {

class QueueSmtpFixture : public QueueFixture {
 protected:
  ~QueueSmtpFixture() override { stop(); }  // before what is below ends
  void start_to(const test::FakeSmarthost& hop, const domains::MessageSigner* signer = nullptr) {
    routes_[0].port = hop.port();
    routes_.resize(1);
    const TransportSettings settings{
        .hostname = "relay.example", .signer = signer, .resolver = &resolver_, .dialogues = &dialogues_};
    start(make_transport_factory(io_.get_executor(), store_.spool(), settings));
  }
  std::vector<Dialogue> dialogues_of(const MessageId& id) {
    return dialogues_.list(store_.spool().find(id).value()->message.account, id, SystemClock().now());
  }

  DialogueBook dialogues_;
  test::ScriptedResolver resolver_;
};

}  // namespace postern::relay
