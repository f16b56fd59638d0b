// A test message never touches the network: socket() and connect() of this executable count their calls.
#include "relay/transports.h"
#include "tests/unit/relay/queue_fixture.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {
std::atomic<int> network_calls{0};
}  // namespace

// They take the place of the C library's in the whole executable.
extern "C" int socket(int domain, int type, int protocol) noexcept {
  ++network_calls;
  return static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
}
extern "C" int connect(int descriptor, const sockaddr* address, socklen_t length) {
  ++network_calls;
  return static_cast<int>(::syscall(SYS_connect, descriptor, address, length));
}

namespace postern::relay {
namespace {

class NoSocketTest : public QueueFixture {};

TEST_F(NoSocketTest, OpensNoSocketForATestMessageEvenWhereARouteLeadsThere) {
  start(make_transport_factory(io_.get_executor(), store_.spool(), {.hostname = "relay.example"}));
  const int before = network_calls;
  std::vector<MessageId> ids;
  for (const char* domain : {"live.example", "dead.example", "anywhere.example"}) {
    ids.push_back(accept(draft_to({domain}, Environment::Test)));
  }
  test::Draft bounced = draft_to({"simulator.postern.test"}, Environment::Test);
  bounced.message.envelope.recipients[0].mailbox.local_part = "bounced";
  ids.push_back(accept(std::move(bounced)));
  for (const MessageId& id : ids) run_until([&] { return load(id).delivery.is_settled(); });
  run_until([&] { return notification() && notification()->delivery.is_settled(); });
  EXPECT_EQ(notification()->message.environment, Environment::Test);
  EXPECT_EQ(network_calls - before, 0);
}

TEST_F(NoSocketTest, WouldSeeASocketIfThereWereOne) {
  start(make_transport_factory(io_.get_executor(), store_.spool(), {.hostname = "relay.example"}));
  const int before = network_calls;
  routes_[0].port = 9;  // discard: nobody listens
  const MessageId id = accept("live.example");
  run_until([&] { return state(id).attempts == 1; });
  EXPECT_GT(network_calls - before, 0);
}

}  // namespace
}  // namespace postern::relay
