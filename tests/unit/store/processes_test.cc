// Several processes at one store: what one writes the other reads at once, and one that dies blocks nobody.
#include "store/store.h"

#include "tests/support/temp_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>

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

}  // namespace
}  // namespace postern::store
