// The examination of an installation: what a daemon would meet at its start, its ports, its next hops and its keys.
#include "app/commands.h"

#include "core/random.h"
#include "domains/key_seal.h"
#include "tests/support/temp_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace postern::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Listens on a port of loopback and says nothing to anybody.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(fd_, 8);
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }
  ~SilentListener() { ::close(fd_); }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  std::string port() const { return std::to_string(port_); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

class Doctor : public testing::Test {
 protected:
  void write_config(const std::string& more) {
    std::ofstream(folder_.path() / "postern.toml") << "environment = \"development\"\ndata_dir = \"data\"\n" << more;
  }
  // What it prints; `is_sound_` is whether it found nothing wrong.
  std::string examine(const DoctorOptions& options = {}) {
    std::ostringstream out;
    std::ostringstream err;
    CommandContext context({.config_file = folder_.path() / "postern.toml", .as_json = false}, out, err);
    const Result<void> done = examine_installation(context, options);
    is_sound_ = done.has_value();
    return out.str() + (done ? "" : done.error().context());
  }

  test::TempFolder folder_;
  bool is_sound_ = false;
};

TEST_F(Doctor, SaysThatTheRelayDoesNotAnswer) {
  const SilentListener other;
  write_config("[[listener]]\naddress = \"127.0.0.1\"\nport = " + other.port() + "\n");
  std::ostringstream out;
  CommandContext context({.config_file = folder_.path() / "postern.toml", .as_json = false}, out, out);
  ASSERT_TRUE(context.load_settings());
  const Result<void> asked = examine_health(context, 1);
  ASSERT_FALSE(asked);
  EXPECT_THAT(asked.error().context(), HasSubstr("127.0.0.1 port " + other.port() + ": "));
}

TEST_F(Doctor, MeetsWhatTheDaemonWouldMeet) {
  const SilentListener other;
  const SilentListener hop;
  write_config("log_file = \"no folder/postern.log\"\n[[listener]]\naddress = \"127.0.0.1\"\nport = " + other.port() +
               "\n[[route]]\nname = \"silent\"\nhost = \"127.0.0.1\"\nport = " + hop.port() + "\ndomains = [\"*\"]\n");
  const std::string all = examine({.route = "", .seconds = 1});
  EXPECT_FALSE(is_sound_);
  EXPECT_THAT(all, HasSubstr("another program has it"));
  EXPECT_THAT(all, HasSubstr("there is no folder"));
  EXPECT_THAT(all, HasSubstr("route silent: 127.0.0.1 port " + hop.port()));

  const std::string one = examine({.route = "silent", .seconds = 1});
  EXPECT_FALSE(is_sound_);
  EXPECT_THAT(one, HasSubstr("fail  route"));
  EXPECT_THAT(one, Not(HasSubstr("listener")));
  EXPECT_THAT(examine({.route = "none", .seconds = 1}), HasSubstr("there is no route none"));
}

TEST_F(Doctor, TellsAnotherProgramFromThePosternThatHoldsTheStore) {
  const SilentListener other;
  write_config("[[listener]]\naddress = \"127.0.0.1\"\nport = " + other.port() + "\n");
  const auto server =
      store::Store::open({.folder = folder_.path() / "data", .spool = test::small_limits(), .runs_recovery = true}).value();
  EXPECT_THAT(examine(), HasSubstr("another program than postern answers"));
  EXPECT_FALSE(is_sound_);
}

// Nothing is said first over implicit TLS and HTTP, nor before a proxy's header.
TEST_F(Doctor, TellsAnotherProgramWhereNothingIsSaidFirst) {
  std::optional<SilentListener> implicit, proxied, http;
  implicit.emplace(), proxied.emplace(), http.emplace();
  write_config("[[listener]]\naddress = \"127.0.0.1\"\ntls = \"implicit\"\nport = " + implicit->port() +
               "\n[[listener]]\naddress = \"127.0.0.1\"\nproxy_networks = [\"192.0.2.0/24\"]\nport = " + proxied->port() +
               "\n[[http_listener]]\naddress = \"127.0.0.1\"\nport = " + http->port() + "\n");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t other = ::fork();  // with the sockets
  if (other == 0) {
    char octet = 0;
    ::close(ends[1]);
    ::_exit(::read(ends[0], &octet, 1) == 0 ? 0 : 1);
  }
  const auto server =
      store::Store::open({.folder = folder_.path() / "data", .spool = test::small_limits(), .runs_recovery = true}).value();
  const auto words = [](const std::optional<SilentListener>& listener, std::string_view said) {
    return HasSubstr("127.0.0.1 port " + listener->port() + ": " + std::string(said));
  };
  const std::string held = examine();
  for (const auto* listener : {&implicit, &proxied, &http}) EXPECT_THAT(held, words(*listener, "answers"));
  const std::vector<std::string> ports = {implicit->port(), proxied->port(), http->port()};
  implicit.reset(), proxied.reset(), http.reset();
  const std::string lost = examine();
  for (const std::string& port : ports) EXPECT_THAT(lost, HasSubstr("port " + port + ": another program than postern answers"));
  EXPECT_FALSE(is_sound_);
  ::close(ends[1]);
  int status = -1;
  EXPECT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
}

TEST_F(Doctor, WarnsWhereAllClientsShareOnePrivateAddress) {
  write_config("");
  SystemRandom random;
  std::vector<KeyId> keys;
  const auto use_from = [&](const KeyId& key, const char* address) {
    const auto store =
        store::Store::open({.folder = folder_.path() / "data", .spool = test::small_limits(), .runs_recovery = true}).value();
    store->directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
      return writer.put_key_usage(key, {.at = {}, .address = parse_ip_address(address).value(), .helo_name = "x"});
    }).value();
  };
  {
    const auto store =
        store::Store::open({.folder = folder_.path() / "data", .spool = test::small_limits(), .runs_recovery = true}).value();
    store::AccountRecord account;
    account.id = make_account_id(random);
    account.name = "demo";
    store->directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
      if (Result<void> put = writer.put_account(account); !put) return put;
      for (std::uint8_t i = 0; i < 3; ++i) {
        store::KeyRecord key;
        key.id = make_key_id(random);
        key.account = account.id;
        key.digest = {i};
        keys.push_back(key.id);
        if (Result<void> put = writer.put_key(key); !put) return put;
      }
      return {};
    }).value();
  }
  use_from(keys[0], "172.18.0.1");
  use_from(keys[1], "172.18.0.1");
  EXPECT_THAT(examine(), Not(HasSubstr("clients"))) << "two keys may be one machine's";
  use_from(keys[2], "172.18.0.1");
  EXPECT_THAT(examine(), HasSubstr("all 3 keys in use come from 172.18.0.1"));
  use_from(keys[2], "172.18.0.9");
  EXPECT_THAT(examine(), Not(HasSubstr("keys in use")));
  for (const KeyId& key : keys) use_from(key, "127.0.0.1");
  EXPECT_THAT(examine(), Not(HasSubstr("keys in use")));
}

TEST_F(Doctor, FindsSigningKeysThatCannotBeOpened) {
  write_config("");
  SystemRandom random;
  const auto seal_file = folder_.path() / "data" / domains::kSealFileName;
  {
    const auto store =
        store::Store::open({.folder = folder_.path() / "data", .spool = test::small_limits(), .runs_recovery = true}).value();
    store::AccountRecord account;
    account.id = make_account_id(random);
    account.name = "demo";
    store::DomainRecord domain;
    domain.id = make_domain_id(random);
    domain.account = account.id;
    domain.name = "example.org";
    domain.dkim_keys = {{.selector = "s", .algorithm = "rsa-sha256", .private_key = "not a real one", .public_record = "v=DKIM1"}};
    domains::KeySeal::open(seal_file, random).value().seal(domain, random).value();
    store->directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
      if (Result<void> put = writer.put_account(account); !put) return put;
      return writer.put_domain(domain);
    }).value();
  }
  EXPECT_THAT(examine(), Not(HasSubstr("signing keys")));
  std::filesystem::remove(seal_file);
  EXPECT_THAT(examine(), HasSubstr("example.org: there is no " + seal_file.string()));
  EXPECT_FALSE(is_sound_);
  domains::KeySeal::open(seal_file, random).value();
  EXPECT_THAT(examine(), HasSubstr("sealed with another dkim-seal.key"));
}

}  // namespace
}  // namespace postern::app
