// Copies: whole or not there, not mistaken for a store when they are not, and numbered above what receivers have had. And whose
// the files are that a command makes, and who may read when many do.
#include "store/backup.h"

#include "store/schema.h"
#include "store/tables.h"
#include "tests/support/temp_store.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

namespace postern::store {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using test::TempStore;

constexpr uid_t kServiceUser = 65'534;

StoreOptions as_server(const fs::path& folder) {
  return {.folder = folder, .spool = test::small_limits(), .runs_recovery = true};
}
StoreOptions as_command(const fs::path& folder) {
  return {.folder = folder, .spool = test::small_limits(), .runs_recovery = false};
}

WebhookRecord put_webhook_of_a_new_account(Directory& directory) {
  AccountRecord account;
  account.id.octets[0] = 1;
  account.name = "account";
  WebhookRecord webhook;
  webhook.id.octets[0] = 2;
  webhook.account = account.id;
  webhook.url = "https://hooks.example/";
  webhook.first_sequence = 1;
  directory.write([&](DirectoryWriter& writer) -> Result<void> {
    if (Result<void> put = writer.put_account(account); !put) return put;
    return writer.put_webhook(webhook);
  }).value();
  return webhook;
}

void accept_messages(Spool& spool, int count, std::uint64_t seed) {
  test::FakeRandom random(seed);
  for (int i = 0; i < count; ++i) {
    const MessageId id = make_message_id(Instant{Duration{i}}, random);
    test::commit_draft(spool, test::make_draft(id, Instant{}, {"a.example"}), "content").value();
  }
}

TEST(Backup, NumbersEventsAboveWhatWebhooksHaveSeen) {
  struct Case {
    const char* name;
    std::function<Result<void>(DirectoryWriter&, WebhookRecord)> change;
  };
  WebhookProgress progress;
  progress.cursor = 40;
  PendingWebhookEvent pending;
  pending.sequence = 40;
  const Case cases[] = {
      {"a cursor", [&](auto& writer, const auto& webhook) { return writer.put_webhook_progress(webhook.id, progress); }},
      {"a pending event", [&](auto& writer, const auto& webhook) { return writer.put_pending_event(webhook.id, pending); }},
      {"a webhook that is new", [](auto& writer, auto webhook) {
         webhook.first_sequence = 41;
         return writer.put_webhook(webhook);
       }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    TempStore store;
    const WebhookRecord webhook = put_webhook_of_a_new_account(store.directory());
    accept_messages(store.spool(), 11, 1);
    // As if the directory were copied 29 events after the spool.
    store.directory().write([&](DirectoryWriter& writer) { return c.change(writer, webhook); }).value();
    store.reopen();
    accept_messages(store.spool(), 2, 2);
    const std::vector<Event> events = store.spool().events_after(11, 100).value();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].sequence, 41U) << "the first that the webhook has not had";
    EXPECT_EQ(events[1].sequence, 42U);
    EXPECT_EQ(store.directory().webhook_progress(webhook.id).value().cursor, std::string_view(c.name) == "a cursor" ? 40U : 0U);
    store.reopen();
    EXPECT_EQ(store.spool().last_sequence().value(), 42U) << "once";
  }
}

TEST(Backup, NeverUsesANumberAgainThatTheStoreGaveAfterTheCopy) {
  TempStore store;
  accept_messages(store.spool(), 3, 1);
  const TempFolder elsewhere;
  store->back_up(elsewhere.path() / "copy").value();
  accept_messages(store.spool(), 5, 2);
  const std::uint64_t before = store.spool().last_sequence().value();
  std::uint64_t first = 0;
  {
    const auto restored = Store::open(as_server(elsewhere.path() / "copy")).value();
    accept_messages(restored->spool(), 1, 3);
    first = restored->spool().last_sequence().value();
    EXPECT_GT(first, before + 1'000'000);
  }
  const auto again = Store::open(as_server(elsewhere.path() / "copy")).value();
  EXPECT_EQ(again->spool().last_sequence().value(), first) << "the second start changes nothing";
}

TEST(Backup, IsNotThereBeforeItIsWhole) {
  TempStore store;
  accept_messages(store.spool(), 50, 1);
  const TempFolder elsewhere;
  const fs::path target = elsewhere.path() / "copy";
  const fs::path draft = elsewhere.path() / "copy.incomplete";
  // What an interrupted one leaves: its mark, and a part of a file.
  fs::create_directories(draft / "spool");
  std::ofstream(draft / "incomplete").put('\n');
  std::ofstream(draft / "spool" / "data.mdb").write("cut off", 7);
  for (const bool is_server : {true, false}) {
    const auto opened = Store::open(is_server ? as_server(draft) : as_command(draft));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::Conflict);
    EXPECT_NE(opened.error().context().find("interrupted backup"), std::string::npos) << opened.error().context();
  }
  EXPECT_FALSE(fs::exists(target));
  store->back_up(target).value();
  EXPECT_FALSE(fs::exists(draft)) << "the next backup takes its place";
  EXPECT_FALSE(fs::exists(target / "incomplete"));
  EXPECT_EQ(Store::open(as_server(target)).value()->spool().usage().value().messages, 50U);
}

TEST(Backup, TakesNoPlaceThatIsTaken) {
  TempStore store;
  const TempFolder elsewhere;
  for (const char* name : {"file", "folder", "link"}) {
    const fs::path target = elsewhere.path() / name;
    if (std::string_view(name) == "file") std::ofstream(target).put('x');
    if (std::string_view(name) == "folder") fs::create_directory(target);
    if (std::string_view(name) == "link") fs::create_symlink("nowhere", target);
    EXPECT_EQ(store->back_up(target).error().code(), ErrorCode::AlreadyExists) << name;
    EXPECT_FALSE(fs::exists(target.string() + ".incomplete")) << name;
  }
  fs::create_directory(elsewhere.path() / "here");
  EXPECT_TRUE(store->back_up((elsewhere.path() / "here" / "copy" / "").string()));
  EXPECT_TRUE(fs::exists(elsewhere.path() / "here" / "copy" / "directory" / "data.mdb"));
}

TEST(Restore, MakesACopyTheStoreOfAFolderThatHasNone) {
  TempStore store;
  accept_messages(store.spool(), 3, 1);
  TempFolder elsewhere;
  const fs::path copy = elsewhere.path() / "copy";
  const fs::path data = elsewhere.path() / "data";
  ASSERT_TRUE(store->back_up(copy));
  fs::create_directory(data);
  std::ofstream(data / "dkim-seal.key") << "kept";
  ASSERT_TRUE(restore_backup(copy, data));
  EXPECT_TRUE(fs::exists(data / "dkim-seal.key"));
  EXPECT_FALSE(fs::exists(data / "incomplete"));
  EXPECT_FALSE(fs::exists(data / "restore.incomplete"));
  EXPECT_EQ(Store::open(as_server(data)).value()->spool().usage().value().messages, 3U);
  EXPECT_TRUE(require_copy(copy)) << "it can be restored again";
  EXPECT_EQ(restore_backup(copy, data).error().code(), ErrorCode::AlreadyExists) << "a store is not overwritten";
}

TEST(Restore, ThatWasInterruptedIsNoStoreAndCanBeSaidAgain) {
  TempStore store;
  accept_messages(store.spool(), 2, 1);
  TempFolder elsewhere;
  const fs::path copy = elsewhere.path() / "copy";
  const fs::path data = elsewhere.path() / "data";
  ASSERT_TRUE(store->back_up(copy));
  // As after the first of the two halves.
  fs::create_directories(data / "spool");
  std::ofstream(data / "spool/data.mdb") << "half";
  std::ofstream(data / "incomplete").flush();
  EXPECT_FALSE(Store::open(as_server(data)));
  ASSERT_TRUE(restore_backup(copy, data));
  EXPECT_EQ(Store::open(as_server(data)).value()->spool().usage().value().messages, 2U);
}

TEST(Restore, TakesOnlyAWholeCopyAndNoStoreThatIsServed) {
  TempStore store;
  TempFolder elsewhere;
  const fs::path copy = elsewhere.path() / "copy";
  ASSERT_TRUE(store->back_up(copy));
  EXPECT_EQ(restore_backup(store.folder(), elsewhere.path() / "data").error().code(), ErrorCode::Conflict) << "that is a store";
  EXPECT_EQ(restore_backup(copy, store.folder()).error().code(), ErrorCode::Conflict) << "somebody serves it";
  fs::remove(copy / "directory/data.mdb");
  EXPECT_EQ(restore_backup(copy, elsewhere.path() / "data").error().code(), ErrorCode::Conflict);
}

TEST(Store, IsNotMadeFromHalfACopy) {
  for (const char* missing : {"spool", "directory"}) {
    SCOPED_TRACE(missing);
    TempStore store;
    put_webhook_of_a_new_account(store.directory());
    accept_messages(store.spool(), 1, 1);
    store.close();
    for (const bool leaves_folder : {true, false}) {
      fs::remove_all(store.folder() / missing);
      if (leaves_folder) fs::create_directory(store.folder() / missing);
      if (leaves_folder) std::ofstream(store.folder() / missing / "data.mdb");  // empty
      for (const bool is_server : {true, false}) {
        const auto opened = Store::open(is_server ? as_server(store.folder()) : as_command(store.folder()));
        ASSERT_FALSE(opened);
        EXPECT_NE(opened.error().context().find((store.folder() / missing / "data.mdb").string()), std::string::npos);
      }
      EXPECT_FALSE(fs::exists(store.folder() / missing / "lock.mdb")) << "nothing is made there";
    }
  }
}

TEST(Store, IsMadeWholeWhereItsFirstStartWasInterrupted) {
  for (const char* missing : {"spool", "directory"}) {
    TempStore store;
    store.close();
    fs::remove_all(store.folder() / missing);
    EXPECT_TRUE(Store::open(as_server(store.folder()))) << missing;
  }
}

// As root the files of a service's store stay the service's; as another user they are that user's anyway.
TEST(Store, BelongsToTheOwnerOfItsFolderWhoeverMakesIt) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  fs::create_directory(data);
  const bool is_root = ::geteuid() == 0;
  const uid_t owner = is_root ? kServiceUser : ::geteuid();
  ASSERT_EQ(::chown(data.c_str(), owner, is_root ? kServiceUser : ::getegid()), 0);
  const auto expect_owner = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(data)) {
      struct stat facts {};
      ASSERT_EQ(::lstat(entry.path().c_str(), &facts), 0);
      EXPECT_EQ(facts.st_uid, owner) << entry.path();
    }
  };
  { const auto store = Store::open(as_command(data)).value(); }
  expect_owner();
  fs::remove(data / "spool" / "lock.mdb");
  fs::remove(data / "directory" / "lock.mdb");  // as after a restore
  { const auto store = Store::open(as_command(data)).value(); }
  expect_owner();
  EXPECT_TRUE(fs::exists(data / "spool" / "lock.mdb"));
}

TEST(Store, NamesTheFileThatItMayNotOpen) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  { const auto store = Store::open(as_command(data)).value(); }
  const fs::path closed = data / "spool" / "lock.mdb";
  fs::permissions(closed, fs::perms::none);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0) {
      for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
        if (entry.path() != closed) ::chown(entry.path().c_str(), kServiceUser, kServiceUser) == 0 || (::_exit(3), false);
      }
      if (::chown(folder.path().c_str(), kServiceUser, kServiceUser) != 0 || ::setuid(kServiceUser) != 0) ::_exit(3);
    }
    const auto opened = Store::open(as_command(data));
    const std::string words = opened ? "it was opened" : opened.error().context();
    ::_exit(::write(ends[1], words.data(), words.size()) == static_cast<ssize_t>(words.size()) ? 0 : 3);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  std::array<char, 4096> words{};
  const ssize_t count = ::read(ends[0], words.data(), words.size());
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_NE(std::string_view(words.data(), count > 0 ? static_cast<std::size_t>(count) : 0).find(closed.string()),
            std::string_view::npos)
      << words.data();
}

// A process that dies by `number` as soon as a file that it writes has `octets`: a copy is cut short there.
template <class Body>
int run_cut_short(int number, rlim_t octets, Body body) {
  static int cut_by;
  const pid_t child = ::fork();
  if (child == 0) {
    cut_by = number;
    ::signal(SIGXFSZ, [](int) { ::raise(cut_by); });
    const rlimit limit{octets, octets};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(body());
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

void fill_with_content(Spool& spool, int messages) {
  test::FakeRandom random;
  for (int i = 0; i < messages; ++i) {
    const MessageId id = make_message_id(Instant{Duration{i}}, random);
    test::commit_draft(spool, test::make_draft(id, Instant{}, {"a.example"}), std::string(100'000, 'x')).value();
  }
}

TEST(Backup, ThatIsKilledLeavesNothingThatLooksWhole) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  const fs::path target = folder.path() / "copy";
  fill_with_content(Store::open(as_command(data)).value()->spool(), 20);
  for (const rlim_t octets : {rlim_t{1}, rlim_t{100'000}, rlim_t{1'000'000}}) {
    const int status =
        run_cut_short(SIGKILL, octets, [&] { return Store::open(as_command(data)).value()->back_up(target) ? 0 : 1; });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    EXPECT_FALSE(fs::exists(target));
    EXPECT_EQ(Store::open(as_server(target.string() + ".incomplete")).error().code(), ErrorCode::Conflict);
  }
  Store::open(as_command(data)).value()->back_up(target).value();
  EXPECT_FALSE(fs::exists(target.string() + ".incomplete"));
  EXPECT_EQ(Store::open(as_server(target)).value()->spool().usage().value().messages, 20U);
}

TEST(Backup, ThatIsSentAwayIsTakenByWayOfTheStoresOwnDisk) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  const fs::path target = folder.path() / "copy";
  const fs::path stage = data / "backup.incomplete";
  fill_with_content(Store::open(as_command(data)).value()->spool(), 20);
  // As the server does it, in the midst of the copy.
  for (const auto way : {Store::BackupWay::Direct, Store::BackupWay::ByStore}) {
    const int status = run_cut_short(SIGTERM, 100'000, [&] {
      const auto copied = back_up_in_child(as_command(data), target, way);
      return copied ? 0 : static_cast<int>(copied.error().code());
    });
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, static_cast<int>(ErrorCode::Cancelled));
    EXPECT_FALSE(fs::exists(target));
    EXPECT_EQ(fs::exists(stage), way == Store::BackupWay::ByStore);
  }
  back_up_in_child(as_command(data), target, Store::BackupWay::ByStore).value();
  EXPECT_FALSE(fs::exists(stage));
  EXPECT_EQ(Store::open(as_server(target)).value()->spool().usage().value().messages, 20U);
  EXPECT_EQ(back_up_in_child(as_command(data), target, Store::BackupWay::Direct).error().code(), ErrorCode::AlreadyExists);

  run_cut_short(SIGKILL, 100'000, [&] {
    return back_up_in_child(as_command(data), target.string() + "2", Store::BackupWay::ByStore) ? 0 : 1;
  });
  EXPECT_TRUE(fs::exists(stage));
  (void)Store::open(as_server(data)).value();
  EXPECT_FALSE(fs::exists(stage)) << "a start removes what a killed one left";
}

TEST(Backup, ByWayOfTheStoresDiskNeedsRoomThereAboveTheReserve) {
  const TempFolder folder;
  StoreOptions options = as_command(folder.path() / "data");
  options.spool.min_free_octets = std::uint64_t{1} << 60;
  const auto store = Store::open(options).value();
  const auto refused = store->back_up(folder.path() / "copy", Store::BackupWay::ByStore);
  EXPECT_EQ(refused.error().code(), ErrorCode::StorageFull);
  EXPECT_FALSE(fs::exists(folder.path() / "copy.incomplete"));
}

// Takes every reader slot that is free and says how many.
std::size_t take_all_readers(const fs::path& folder, std::span<const std::string_view> tables) {
  auto environment = LmdbEnvironment::open({.folder = folder, .map_octets = 1U << 30, .tables = tables}).value().release();
  std::size_t count = 0;
  for (MDB_txn* reader = nullptr; mdb_txn_begin(environment->handle(), nullptr, MDB_RDONLY, &reader) == 0;) ++count;
  return count;
}

TEST(Store, IsOpenedAndReadThoughEveryReaderSlotIsADeadProcess) {
  const TempFolder folder;
  const auto server = Store::open(as_server(folder.path())).value();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool has_filled = take_all_readers(folder.path() / "spool", kSpoolTables) > 500 &&
                            take_all_readers(folder.path() / "directory", kDirectoryTables) > 500;
    if (!has_filled || ::write(ends[1], "x", 1) != 1) ::_exit(3);
    ::pause();
  }
  char octet = 0;
  ASSERT_EQ(::read(ends[0], &octet, 1), 1);
  EXPECT_TRUE(server->directory().list_accounts()) << "the server's own slots stay its own";
  EXPECT_TRUE(server->spool().list(std::nullopt, 1));
  EXPECT_FALSE(Store::open(as_command(folder.path()))) << "a command is refused while they live";
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ends[0]);
  ::close(ends[1]);
  const auto command = Store::open(as_command(folder.path()));
  ASSERT_TRUE(command) << command.error().message();
  EXPECT_TRUE((*command)->directory().list_accounts());
  EXPECT_TRUE((*command)->spool().list(std::nullopt, 1));
}

}  // namespace
}  // namespace postern::store
