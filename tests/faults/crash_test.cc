// Durability: a child process accepts and settles messages and reports each one after its completion; this process kills it in
// the middle, again and again, opens the store and finds every reported message whole and nothing half there. A kill does not
// lose the page cache: that the reports come after the sync is sync_test's part.
#include "tests/support/temp_store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace postern::store {
namespace {

using test::TempFolder;

constexpr int kCycles = 20;
constexpr std::size_t kInFlight = 8;
constexpr std::size_t kReportOctets = 17;  // what happened, and to which message

std::unique_ptr<Store> open_store(const TempFolder& folder) {
  return Store::open({.folder = folder.path(), .spool = test::small_limits(), .runs_recovery = true}).value();
}

// Both sides know it by the id alone. Some are streamed.
std::string content_of(const MessageId& id) {
  const std::size_t size = id.octets[15] % 4 == 0 ? 6 * kChunkOctets + id.octets[14] : std::size_t{16} * id.octets[14];
  std::string content;
  while (content.size() < size) content += format_message_id(id) + "\r\n";
  content.resize(size);
  return content;
}

// The child: kInFlight messages on their way at any time, every second one settled, until it is killed.
class Sender {
 public:
  Sender(Store& store, int report_fd, std::uint64_t seed) : spool_(store.spool()), fd_(report_fd), random_(seed) {}

  [[noreturn]] void run() {
    for (std::uint64_t count = 0;; ++count) {
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return in_flight_ < kInFlight; });
        ++in_flight_;
      }
      send(count);
    }
  }

 private:
  void send(std::uint64_t count) {
    const MessageId id = make_message_id(SystemClock().now(), random_);
    test::Draft draft = test::make_draft(id, Instant{}, {"a.example"});
    std::unique_ptr<MessageWriter> writer = spool_.open_message(id);
    writer->append(content_of(id));
    const bool settles = count % 2 == 0;
    spool_.commit(std::move(writer), draft.new_message(), [this, id, settles](Result<void> outcome) {
      outcome.value();
      report('A', id);
      if (!settles) return leave();
      settle(id);
    });
  }
  void settle(const MessageId& id) {
    Settlement settlement;
    settlement.id = id;
    settlement.changes.push_back({.index = 0, .state = {}});
    settlement.changes[0].state.stage = RecipientStage::Delivered;
    spool_.settle(settlement, [this, id](Result<void> outcome) {
      outcome.value();
      report('S', id);
      leave();
    });
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    --in_flight_;
    room_.notify_one();
  }
  // Whole or not at all: shorter than PIPE_BUF.
  void report(char what, const MessageId& id) const {
    std::string octets(1, what);
    octets.append(reinterpret_cast<const char*>(id.octets.data()), id.octets.size());
    POSTERN_CHECK(::write(fd_, octets.data(), octets.size()) == static_cast<ssize_t>(kReportOctets));
  }

  Spool& spool_;
  int fd_;
  test::FakeRandom random_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t in_flight_ = 0;
};

struct Reports {
  std::set<MessageId> accepted;
  std::set<MessageId> settled;
};

bool read_report(int fd, Reports& reports) {
  std::array<char, kReportOctets> octets{};
  if (::read(fd, octets.data(), octets.size()) != static_cast<ssize_t>(octets.size())) return false;
  MessageId id;
  std::copy(octets.begin() + 1, octets.end(), reinterpret_cast<char*>(id.octets.data()));
  (octets[0] == 'A' ? reports.accepted : reports.settled).insert(id);
  return true;
}

// One child, killed after `count` reports; what it reported after that counts too.
void run_and_kill(const TempFolder& folder, std::uint64_t seed, std::uint64_t count, Reports& reports) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(ends[0]);
    const std::unique_ptr<Store> store = open_store(folder);
    Sender(*store, ends[1], seed).run();
  }
  ::close(ends[1]);
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(read_report(ends[0], reports)) << "the child ended by itself";
  ::kill(child, SIGKILL);
  while (read_report(ends[0], reports)) {
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
}

void expect_all(Store& store, const Reports& reports) {
  for (const MessageId& id : reports.accepted) {
    const std::optional<StoredMessage> stored = store.spool().find(id).value();
    ASSERT_TRUE(stored.has_value()) << format_message_id(id) << " was acknowledged and is lost";
    EXPECT_TRUE(stored->delivery.is_settled() || !reports.settled.contains(id));
    if (stored->delivery.is_settled()) continue;
    EXPECT_EQ(test::read_content(store.spool(), stored->message), content_of(id));
  }
  EXPECT_EQ(store.spool().examine().value(), std::vector<std::string>());
}

TEST(Crash, LosesNothingThatWasAcknowledged) {
  const TempFolder folder;
  test::FakeRandom random(42);
  Reports reports;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    SCOPED_TRACE("kill " + std::to_string(cycle));
    run_and_kill(folder, 1000 + static_cast<std::uint64_t>(cycle), 1 + random.below(60), reports);
    if (HasFatalFailure()) return;
    expect_all(*open_store(folder), reports);
  }
  EXPECT_GT(reports.settled.size(), std::size_t{kCycles});
}

}  // namespace
}  // namespace postern::store
