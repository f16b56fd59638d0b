// The service manager's protocol, and the write-behind.
#include "app/process.h"
#include "app/write_behind.h"
#include "tests/support/captured_log.h"
#include "tests/support/temp_store.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>

namespace postern::app {
namespace {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-app-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(NotifySystemd, SendsTheStateToTheManagersSocket) {
  const TempFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(receiver, static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_systemd("READY=1");
  notify_reloading();
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[256];
  auto received = ::recv(receiver, buffer, sizeof buffer, 0);
  ASSERT_GT(received, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(received)), "READY=1");
  received = ::recv(receiver, buffer, sizeof buffer, 0);
  ASSERT_GT(received, 0);
  EXPECT_THAT(std::string(buffer, static_cast<std::size_t>(received)), testing::StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  ::close(receiver);
}

TEST(NotifySystemd, DoesNothingWithoutAManager) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_systemd("READY=1");
  ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  notify_systemd("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

// One line for the whole stretch, and one for its end.
TEST(WriteBehindLog, SaysThatTheSpoolIsFullAndThatItIsNotAnyMore) {
  store::SpoolLimits limits = test::small_limits();
  limits.max_octets = 8U << 20;
  test::TempStore store(limits);
  test::FakeRandom random;
  test::CapturedLog log;
  auth::UsageTracker usage;
  submission::QuotaTable quota([](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; });
  WriteBehind write_behind(*store, quota, usage);
  write_behind.note_space();
  std::vector<MessageId> ids;
  std::int64_t at = 0;
  for (const std::size_t octets : {200'000U, 1U}) {
    for (Result<void> accepted; accepted;) {
      const MessageId id = make_message_id(Instant(Duration(++at)), random);
      accepted = test::commit_draft(store.spool(), test::make_draft(id, Instant(), {"a.example"}), std::string(octets, 'x'));
      if (accepted) ids.push_back(id);
    }
  }
  for (int i = 0; i < 3; ++i) write_behind.note_space();
  for (const MessageId& id : ids) {
    store::Settlement settlement;
    settlement.id = id;
    settlement.changes.emplace_back().state.stage = store::RecipientStage::Delivered;
    test::Waiter waiter;
    store.spool().settle(settlement, waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  (void)store.spool().look_at_space();  // as the store's watch does
  for (int i = 0; i < 20; ++i) write_behind.note_space();
  const std::string lines = log.finish();
  EXPECT_THAT(lines, testing::MatchesRegex("warning storage_full [^\n]*\ninfo storage_recovered\n")) << lines;
}

TEST(Signals, AHangUpDuringTheDrainIsIgnored) {
  const auto drain = [] {
    block_signals();
    ::raise(SIGHUP);  // also one that came before and was not taken
    release_signals();
    ::raise(SIGHUP);
    ::_exit(7);
  };
  EXPECT_EXIT(drain(), testing::ExitedWithCode(7), "");
}

TEST(Signals, ASecondTerminationEndsTheDrainAtOnce) {
  const auto drain = [] {
    block_signals();
    release_signals();
    ::raise(SIGTERM);
    ::_exit(7);
  };
  EXPECT_EXIT(drain(), testing::KilledBySignal(SIGTERM), "");
}

TEST(Signals, AreWaitedForUpToATime) {
  const auto wait = [] {
    block_signals();
    if (next_signal(std::chrono::milliseconds(1))) ::_exit(1);
    ::raise(SIGHUP);
    ::_exit(next_signal(std::chrono::minutes(2)) == SIGHUP ? 7 : 2);
  };
  EXPECT_EXIT(wait(), testing::ExitedWithCode(7), "");
}

TEST(Signals, EndAStartThatHangsInOrder) {
  const auto start = [] {
    block_signals();
    const StartWatch watch;
    ::kill(::getpid(), SIGTERM);
    for (;;) ::pause();
  };
  EXPECT_EXIT(start(), testing::ExitedWithCode(0), "");
}

TEST(Signals, ADrainThatHangsIsEnded) {
  const auto drain = [] {
    block_signals();
    release_signals();
    end_at_the_latest_after(std::chrono::seconds(1));
    for (;;) ::pause();
  };
  EXPECT_EXIT(drain(), testing::ExitedWithCode(1), "stop_forced");
}

TEST(Watchdog, BeatsOnlyForAManagerThatAskedThisProcess) {
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(0));
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(0));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::milliseconds(0));
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}

TEST(Limits, AreNamed) {
  const auto limited = [] {
    const rlimit most{.rlim_cur = 1'234'567'890, .rlim_max = 1'234'567'890};
    ::setrlimit(RLIMIT_DATA, &most);
    ::_exit(describe_limits().find("RLIMIT_DATA 1234567890") != std::string::npos ? 7 : 1);
  };
  EXPECT_EXIT(limited(), testing::ExitedWithCode(7), "");
}

TEST(WriteBehind, HasWrittenEverythingOnceItHasStopped) {
  const TempFolder folder;
  auto opened = store::Store::open({.folder = folder.path() / "data", .spool = {}});
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  store::Directory& directory = (*opened)->directory();
  SystemRandom random;
  const Instant now = SystemClock().now();
  store::AccountRecord account;
  account.id = make_account_id(random);
  account.name = "demo";
  account.created = now;
  store::KeyRecord key;
  key.id = make_key_id(random);
  key.account = account.id;
  key.created = now;
  ASSERT_TRUE(directory.write([&](store::DirectoryWriter& writer) -> Result<void> {
    if (const auto put = writer.put_account(account); !put) return put.error();
    return writer.put_key(key);
  }).has_value());

  submission::QuotaTable quota([](const AccountId&, store::CounterPeriod, Instant) { return std::uint64_t{0}; });
  auth::UsageTracker usage;
  WriteBehind behind(**opened, quota, usage);
  behind.start();
  const store::Plan unlimited{.name = "custom", .per_second = {}, .per_day = {}, .per_month = {}};
  EXPECT_EQ(quota.reserve(account.id, unlimited, 7, now).kind, submission::QuotaAnswer::Kind::Granted);
  usage.record(key.id, {.at = now, .address = *parse_ip_address("192.0.2.1"), .helo_name = "client"});
  behind.stop();

  EXPECT_EQ(directory.counter(account.id, store::CounterPeriod::Day, now).value(), 7u);
  EXPECT_EQ(directory.counter(account.id, store::CounterPeriod::Month, now).value(), 7u);
  const auto last = directory.find_key_usage(key.id).value();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->helo_name, "client");
}

}  // namespace
}  // namespace postern::app
