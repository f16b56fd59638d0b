// Several processes at one store: what one writes the other reads at once, and one that dies blocks nobody.
#include "lmdb/writer_gate.h"
#include "store/leftovers.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace postern::store {
namespace {

using test::TempFolder;

// Runs `body` in a child that was forked before this process opened anything. The child ends without unwinding.
template <class Body>
pid_t fork_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(0);
  }
  return child;
}

struct Pipe {
  Pipe() { POSTERN_CHECK(::pipe(ends) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void tell() const { POSTERN_CHECK(::write(ends[1], "x", 1) == 1); }
  bool wait() const {
    char octet = 0;
    return ::read(ends[0], &octet, 1) == 1;
  }
  int ends[2];
};

std::unique_ptr<Store> open_store(const TempFolder& folder) {
  return Store::open({.folder = folder.path(), .spool = test::small_limits(), .runs_recovery = false}).value();
}

AccountRecord make_account(std::uint8_t number) {
  AccountRecord account;
  account.id.octets[0] = number;
  account.name = "account-" + std::to_string(number);
  return account;
}

Result<void> put_account(Store& store, std::uint8_t number) {
  return store.directory().write([number](DirectoryWriter& writer) { return writer.put_account(make_account(number)); });
}

TEST(Processes, SeeEachOthersCommitsAtOnce) {
  const TempFolder folder;
  const Pipe to_child;
  const Pipe to_parent;
  const pid_t child = fork_child([&] {
    const std::unique_ptr<Store> store = open_store(folder);
    for (std::uint8_t i = 0; i < 20; ++i) {
      put_account(*store, i).value();
      to_parent.tell();
      to_child.wait();
    }
  });
  const std::unique_ptr<Store> store = open_store(folder);
  for (std::uint8_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(to_parent.wait());
    EXPECT_EQ(store->directory().find_account(make_account(i).id).value(), make_account(i));
    ASSERT_TRUE(put_account(*store, static_cast<std::uint8_t>(100 + i)));
    to_child.tell();
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(store->directory().list_accounts().value().size(), 40U);
}

TEST(Processes, WriteTheSpoolAtOnceWithoutLosingASequence) {
  const TempFolder folder;
  const auto fill = [&](Store& store, std::uint64_t seed) {
    test::FakeRandom random(seed);
    for (int i = 0; i < 50; ++i) {
      const MessageId id = make_message_id(Instant{Duration{i}}, random);
      test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), "content").value();
    }
  };
  const pid_t child = fork_child([&] { fill(*open_store(folder), 1); });
  const std::unique_ptr<Store> store = open_store(folder);
  fill(*store, 2);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(store->spool().usage().value().messages, 100U);
  EXPECT_EQ(store->spool().events_after(0, 1000).value().back().sequence, 100U);
  EXPECT_EQ(store->spool().examine().value(), std::vector<std::string>());
}

TEST(Processes, GoOnWhenOneDiesInsideItsWriteTransaction) {
  const TempFolder folder;
  const Pipe to_parent;
  const pid_t child = fork_child([&] {
    const std::unique_ptr<Store> store = open_store(folder);
    (void)store->directory().write([&](DirectoryWriter& writer) -> Result<void> {
      writer.put_account(make_account(1)).value();
      to_parent.tell();
      ::pause();
      return {};
    });
  });
  ASSERT_TRUE(to_parent.wait());
  const std::unique_ptr<Store> store = open_store(folder);
  EXPECT_TRUE(store->directory().list_accounts().value().empty()) << "reading waits for no writer";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(put_account(*store, 2));
  EXPECT_EQ(store->directory().list_accounts().value().size(), 1U);
}

TEST(Processes, GoOnWithTheRemovalOfAnAccountThatOneDiedIn) {
  const TempFolder folder;
  const Pipe to_parent;
  const AccountId account = make_account(1).id;
  const pid_t child = fork_child([&] {
    const std::unique_ptr<Store> store = open_store(folder);
    put_account(*store, 1).value();
    store->directory().write([&](DirectoryWriter& writer) -> Result<void> {
      for (std::size_t i = 0; i < 3 * kLeftoverSlice; ++i) {
        SuppressionRecord suppression;
        suppression.address = std::to_string(i) + "@x.example";
        if (Result<void> put = writer.put_suppression(account, suppression); !put) return put;
      }
      return {};
    }).value();
    store->directory().write([&](DirectoryWriter& writer) { return writer.remove_account(account); }).value();
    POSTERN_CHECK(store->directory().remove_leftovers().value());
    to_parent.tell();
    ::pause();
  });
  ASSERT_TRUE(to_parent.wait());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  const std::unique_ptr<Store> store = open_store(folder);
  EXPECT_FALSE(store->directory().list_suppressions(account, "", 1).value().empty());
  while (store->directory().remove_leftovers().value()) {
  }
  EXPECT_TRUE(store->directory().list_suppressions(account, "", 1).value().empty());
  EXPECT_EQ(store->directory().examine().value(), std::vector<std::string>());
}

// Two containers with one volume: each process is number 1 of its own. Where namespaces may not be made the test has nothing to do;
// what it would find is simulated below.
TEST(Processes, OfTwoNamespacesCannotHaveOneNumberAndAChildHasAnother) {
  const TempFolder folder;
  (void)open_store(folder);
  Pipe is_open;
  const Pipe may_end;
  const auto as_number_one = [](const auto& body) {
    return fork_child([&] {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(2);
      const pid_t first = fork_child([&] { body(); });
      int status = -1;
      if (::waitpid(first, &status, 0) != first || status != 0) ::_exit(1);
    });
  };
  const pid_t server = as_number_one([&] {
    POSTERN_CHECK(::getpid() == 1);
    const std::unique_ptr<Store> store = open_store(folder);
    is_open.tell();
    may_end.wait();
  });
  ::close(std::exchange(is_open.ends[1], -1));
  const bool has_namespaces = is_open.wait();
  int status = -1;
  if (has_namespaces) {
    const pid_t command = as_number_one([&] {
      const StoreOptions options{.folder = folder.path(), .spool = test::small_limits(), .runs_recovery = false};
      const auto refused = Store::open(options);
      POSTERN_CHECK(!refused && refused.error().code() == ErrorCode::AlreadyExists);
      POSTERN_CHECK(refused.error().context().find("another PID namespace that is number 1 there") != std::string::npos);
      int outcome = -1;
      const pid_t child = fork_child([&] { put_account(*Store::open(options).value(), 7).value(); });
      POSTERN_CHECK(::waitpid(child, &outcome, 0) == child && outcome == 0);
    });
    EXPECT_EQ(::waitpid(command, &status, 0), command);
    EXPECT_EQ(status, 0);
    may_end.tell();
  }
  EXPECT_EQ(::waitpid(server, &status, 0), server);
  const std::size_t accounts = open_store(folder)->directory().list_accounts().value().size();
  EXPECT_EQ(accounts, has_namespaces ? 1U : 0U);
}

// A child that holds the write lock of an environment and stops there, as a command does that got Ctrl-Z.
class StoppedWriter {
 public:
  explicit StoppedWriter(const std::filesystem::path& environment) {
    const Pipe inside;
    child_ = fork_child([&] {
      lmdb::WriterGate gate;
      gate.open(environment / "lock.mdb").value();
      POSTERN_CHECK(gate.try_enter());
      inside.tell();
      ::raise(SIGSTOP);
    });
    POSTERN_CHECK(inside.wait());
    int status = 0;
    POSTERN_CHECK(::waitpid(child_, &status, WUNTRACED) == child_ && WIFSTOPPED(status));
  }
  ~StoppedWriter() { go_on(); }
  StoppedWriter(const StoppedWriter&) = delete;
  StoppedWriter& operator=(const StoppedWriter&) = delete;

  pid_t process() const { return child_; }
  void go_on() {
    if (child_ == 0) return;
    ::kill(child_, SIGCONT);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
};

StoreOptions impatient_options(const TempFolder& folder, bool runs_recovery) {
  return {.folder = folder.path(),
          .spool = test::small_limits(),
          .runs_recovery = runs_recovery,
          .stall_after = std::chrono::milliseconds(20)};
}

Result<void> accept_message(Store& store, std::uint64_t seed) {
  test::FakeRandom random(seed);
  const MessageId id = make_message_id(Instant{}, random);
  return test::commit_draft(store.spool(), test::make_draft(id, Instant{}, {"a.example"}), "content");
}

TEST(Processes, AreToldToComeAgainWhileOneIsStoppedInsideItsWrite) {
  const TempFolder folder;
  (void)open_store(folder);
  StoppedWriter stopped(folder.path() / "spool");
  const std::unique_ptr<Store> store = Store::open(impatient_options(folder, false)).value();
  const Result<void> refused = accept_message(*store, 1);
  ASSERT_EQ(refused.error().code(), ErrorCode::StorageShedding);
  EXPECT_NE(refused.error().context().find("process " + std::to_string(stopped.process()) + " "), std::string::npos);
  EXPECT_EQ(store->spool().can_accept().error().code(), ErrorCode::StorageShedding) << "at MAIL, too, and in /readyz";
  ASSERT_TRUE(store->spool().stall().has_value());
  EXPECT_EQ(store->spool().stall()->holder, stopped.process());
  EXPECT_TRUE(put_account(*store, 1)) << "the directory is another environment";
  EXPECT_FALSE(store->directory().stall().has_value());

  stopped.go_on();
  // The queue goes on by itself; who asks before it noticed is told to come again.
  while (!store->spool().can_accept()) std::this_thread::yield();
  EXPECT_TRUE(accept_message(*store, 2));
  EXPECT_EQ(store->spool().usage().value().messages, 1U) << "what was refused is not stored";
}

TEST(Processes, RefuseToStartBesideOneThatIsStoppedInsideItsWrite) {
  const TempFolder folder;
  (void)open_store(folder);
  const StoppedWriter stopped(folder.path() / "spool");
  const auto started = Store::open(impatient_options(folder, true));
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().context().find("process " + std::to_string(stopped.process()) + " "), std::string::npos);
}

TEST(Processes, EndDuringAStallWithoutWaitingForIt) {
  const TempFolder folder;
  (void)open_store(folder);
  const StoppedWriter stopped(folder.path() / "spool");
  test::Waiter waiter;
  {
    const std::unique_ptr<Store> store = Store::open(impatient_options(folder, false)).value();
    EXPECT_FALSE(accept_message(*store, 1));
    Settlement settlement;
    store->spool().settle(settlement, waiter.completion());
  }
  EXPECT_EQ(waiter.get().error().code(), ErrorCode::StorageShedding);
}

TEST(Processes, SayWhyTheyCannotOpenWhatTheirNumberIsTakenIn) {
  const TempFolder folder;
  (void)open_store(folder);
  const pid_t number = ::getpid();
  const Pipe is_taken;
  const Pipe to_child;
  // What LMDB does for a process of that number in another PID namespace.
  const pid_t child = fork_child([&] {
    const int fd = ::open((folder.path() / "directory" / "lock.mdb").c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = number;
    lock.l_len = 1;
    POSTERN_CHECK(::fcntl(fd, F_SETLK, &lock) == 0);
    is_taken.tell();
    to_child.wait();
  });
  ASSERT_TRUE(is_taken.wait());
  const auto opened = Store::open(impatient_options(folder, false));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::AlreadyExists);
  EXPECT_NE(opened.error().context().find("another PID namespace"), std::string::npos);
  const pid_t other = fork_child([&] { POSTERN_CHECK(Store::open(impatient_options(folder, false))); });
  int status = -1;
  ::waitpid(other, &status, 0);
  EXPECT_EQ(status, 0) << "a child has another number";
  to_child.tell();
  ::waitpid(child, nullptr, 0);
}

TEST(Processes, CompactAStoreThatNobodyHasOpen) {
  const TempFolder folder;
  const Pipe is_open;
  const Pipe to_child;
  {
    const std::unique_ptr<Store> store = open_store(folder);
    ASSERT_TRUE(put_account(*store, 1));
    ASSERT_TRUE(store->spool().usage());
    test::FakeRandom random(3);
    test::Draft draft = test::make_draft(make_message_id(Instant{}, random), Instant{}, {"a.example"});
    test::commit_draft(store->spool(), draft, std::string(4U << 20, 'x')).value();
    Settlement settlement;
    settlement.id = draft.message.id;
    settlement.changes.emplace_back().state.stage = RecipientStage::Delivered;
    test::Waiter waiter;
    store->spool().settle(std::move(settlement), waiter.completion());
    ASSERT_TRUE(waiter.get());
  }
  const pid_t child = fork_child([&] {
    const std::unique_ptr<Store> store = open_store(folder);
    is_open.tell();
    to_child.wait();
  });
  ASSERT_TRUE(is_open.wait());
  const auto refused = Store::compact(folder.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().context().find("process " + std::to_string(child) + " "), std::string::npos);
  to_child.tell();
  ::waitpid(child, nullptr, 0);

  const lmdb::Compaction done = Store::compact(folder.path()).value();
  EXPECT_GT(done.octets_before, 4U << 20);
  EXPECT_LT(done.octets_after, 1U << 20);
  const std::unique_ptr<Store> store = open_store(folder);
  EXPECT_EQ(store->directory().list_accounts().value().size(), 1U);
  EXPECT_EQ(store->spool().usage().value().messages, 1U);
  EXPECT_EQ(store->spool().examine().value(), std::vector<std::string>());
  EXPECT_TRUE(accept_message(*store, 4)) << "and it is written again";
  EXPECT_EQ(store->spool().usage().value().messages, 2U);
}

TEST(Processes, SendAwayNoProcessButOneThatHasTheSpoolOpen) {
  const TempFolder folder;
  const std::unique_ptr<Store> store = open_store(folder);
  const Pipe is_open;
  const Pipe to_child;
  const pid_t reader = fork_child([&] {
    const auto environment = LmdbEnvironment::open({.folder = folder.path() / "spool",
                                                    .map_octets = std::size_t{1} << 38,
                                                    .tables = kSpoolTables})
                                 .value();
    ReadTransaction transaction(*environment);
    transaction.begin().value();
    is_open.tell();
    ::raise(SIGSTOP);
  });
  ASSERT_TRUE(is_open.wait());
  const pid_t stranger = fork_child([&] { to_child.wait(); });
  EXPECT_FALSE(store->spool().send_away(stranger));
  EXPECT_FALSE(store->spool().send_away(::getpid()));
  EXPECT_FALSE(store->spool().send_away(0)) << "of another PID namespace";
  EXPECT_TRUE(store->spool().send_away(reader));
  int status = 0;
  ::waitpid(reader, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  to_child.tell();
  ::waitpid(stranger, nullptr, 0);
}

}  // namespace
}  // namespace postern::store
