#include "net/inherited_listeners.h"

#include "net/listener.h"
#include "net/runtime.h"

#include <fcntl.h>

#include <gmock/gmock.h>

#include <atomic>

namespace postern::net {
namespace {

using asio::ip::tcp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A socket that listens, and its endpoint; what is left of a process that ended.
struct Left {
  explicit Left(asio::io_context& context) : acceptor(context, {asio::ip::address_v4::loopback(), 0}) {}
  Descriptor descriptor() { return Descriptor(::fcntl(acceptor.native_handle(), F_DUPFD_CLOEXEC, 0)); }
  tcp::endpoint endpoint() const { return acceptor.local_endpoint(); }

  tcp::acceptor acceptor;
};

InheritedListeners inherited(std::vector<InheritedListeners::Entry> entries) { return InheritedListeners(std::move(entries)); }

TEST(InheritedListeners, GivesThoseOfOneEndpointAndTheRestsNames) {
  asio::io_context context;
  Left first(context), second(context);
  std::vector<InheritedListeners::Entry> entries;
  entries.push_back({"a", first.descriptor()});
  entries.push_back({"b", second.descriptor()});
  entries.push_back({"a", first.descriptor()});
  auto all = inherited(std::move(entries));
  EXPECT_THAT(all.take(first.endpoint()), SizeIs(2));
  EXPECT_THAT(all.take(first.endpoint()), IsEmpty());
  EXPECT_THAT(all.close_rest(), ElementsAre("b"));
  EXPECT_THAT(all.take(second.endpoint()), IsEmpty());
}

TEST(InheritedListeners, TakesNothingForASocketThatDoesNotListen) {
  asio::io_context context;
  tcp::socket connected(context);
  Left left(context);
  connected.connect(left.endpoint());
  std::vector<InheritedListeners::Entry> entries;
  entries.push_back({"a", Descriptor(::fcntl(connected.native_handle(), F_DUPFD_CLOEXEC, 0))});
  entries.push_back({"b", Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC))});
  auto all = inherited(std::move(entries));
  EXPECT_THAT(all.take(connected.local_endpoint()), IsEmpty());
  EXPECT_THAT(all.close_rest(), ElementsAre("a", "b"));
}

TEST(InheritedListeners, AreNoneWhereTheManagerGaveNone) {
  auto none = InheritedListeners::from_environment();
  EXPECT_THAT(none.close_rest(), IsEmpty());
}

// Who connected before the process was there is served by it, on whichever of the sockets they wait.
TEST(InheritedListeners, ServeWhoConnectedBefore) {
  asio::io_context context;
  Left left(context);
  tcp::socket early(context);
  early.connect(left.endpoint());
  Runtime runtime{2};
  runtime.start();
  std::vector<Descriptor> sockets;
  sockets.push_back(left.descriptor());
  auto listener = Listener::adopt(std::move(sockets), runtime.io_executors()).value();
  EXPECT_EQ(listener->port(), left.endpoint().port());
  EXPECT_THAT(listener->descriptors(), SizeIs(2));
  std::atomic<int> accepted{0};
  listener->start([&](tcp::socket) {
    ++accepted;
    accepted.notify_all();
  });
  accepted.wait(0);
  EXPECT_EQ(accepted, 1);
  listener->stop();
  runtime.stop();
}

}  // namespace
}  // namespace postern::net
