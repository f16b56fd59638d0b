// The client of a POST /v1/emails goes at the worst moments, over real sockets: a message whose commit has begun is kept, and
// whoever asks again with the same idempotency key gets its id.
#include "tests/faults/disk_faults.h"
#include "tests/support/test_client.h"
#include "tests/unit/api/doors.h"

#include "http/server.h"
#include "net/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace postern::api {
namespace {

namespace disk = test::disk;
using ::testing::HasSubstr;
using test::TestClient;

class HttpDisconnect : public ::testing::Test {
 protected:
  HttpDisconnect() {
    server_.emplace(runtime_.io_executors(), service_, doors_.clock, random_, http::ServerOptions{});
    server_->listen({.address = "127.0.0.1"}).value();
    runtime_.start();
    server_->start();
  }
  ~HttpDisconnect() override {
    disk::release_syncs();
    drain();
    disk::reset();
  }

  void drain() {
    if (server_) server_->drain(std::chrono::seconds(120));
    server_.reset();
  }
  std::uint16_t port() const { return server_->ports().front(); }

  std::string request(const std::string& key) const {
    const std::string body = R"({"from": "a@example.org", "to": "b@example.net", "subject": "Hello", "text": "Hello"})";
    return "POST /v1/emails HTTP/1.1\r\nHost: relay.example\r\nContent-Type: application/json\r\nConnection: close\r\n"
           "Authorization: Bearer " + doors_.credential + "\r\nIdempotency-Key: " + key + "\r\n"
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  // A client that is gone when the sync of its message begins, and before it ends.
  void send_and_go(const std::string& key) {
    disk::hold_syncs();
    TestClient client(port());
    client.send(request(key));
    disk::wait_until_held();
    client.reset();
  }
  // The ids of what is stored.
  std::vector<std::string> stored() {
    std::vector<std::string> ids;
    for (const store::StoredMessage& message : doors_.store.spool().list({}, 10).value()) {
      ids.push_back(format_message_id(message.message.id));
    }
    return ids;
  }

  const ApiArea areas_[1] = {email_api()};
  Doors doors_;
  ApiContext context_ = doors_.make_context();
  Dispatcher service_{context_, areas_};
  SystemRandom random_;
  net::Runtime runtime_{2};
  std::optional<http::Server> server_;
};

TEST_F(HttpDisconnect, KeepsTheMessageWhoseCommitHasBegun) {
  send_and_go("k");
  disk::release_syncs();
  drain();
  EXPECT_EQ(stored().size(), 1U);
}

TEST_F(HttpDisconnect, AnswersTheRetryWithTheFirstId) {
  send_and_go("k");
  disk::release_syncs();
  TestClient again(port());
  again.send(request("k"));
  const std::string response = again.read_to_end();
  EXPECT_THAT(response, HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(response, HasSubstr("\r\nIdempotency-Replayed: true\r\n"));
  const std::vector<std::string> ids = stored();
  ASSERT_EQ(ids.size(), 1U);
  EXPECT_THAT(response, HasSubstr("{\"id\":\"" + ids.front() + "\"}"));
}

TEST_F(HttpDisconnect, AnswersARetryThatComesBeforeTheCommitHasEnded) {
  send_and_go("k");
  TestClient again(port());
  again.send(request("k"));
  disk::release_syncs();
  const std::string response = again.read_to_end();
  EXPECT_THAT(response, HasSubstr("\r\nIdempotency-Replayed: true\r\n"));
  const std::vector<std::string> ids = stored();
  ASSERT_EQ(ids.size(), 1U);
  EXPECT_THAT(response, HasSubstr(ids.front()));
}

TEST_F(HttpDisconnect, TakesARetryOfAnotherKeyForAnotherMessage) {
  send_and_go("k");
  disk::release_syncs();
  TestClient again(port());
  again.send(request("l"));
  EXPECT_THAT(again.read_to_end(), HasSubstr("HTTP/1.1 200 OK\r\n"));
  again.close();
  drain();
  EXPECT_EQ(stored().size(), 2U);
}

TEST_F(HttpDisconnect, KeepsNothingOfARequestThatWasCutOff) {
  const std::string whole = request("k");
  TestClient client(port());
  client.send(std::string_view(whole).substr(0, whole.size() - 1));
  client.reset();
  drain();
  EXPECT_EQ(stored(), std::vector<std::string>());
}

}  // namespace
}  // namespace postern::api
