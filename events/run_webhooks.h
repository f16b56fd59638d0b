// RunWebhooks: the events of runs with clocks of their own, to their accounts' webhooks in the run's own time: what a receiver does
// not take is offered again when the run's clock gets there, by the rules of live mail (webhook_backlog, webhook_retry), and by
// nobody else. Each run has a backlog of its own for each webhook: what fails in one neither holds up another nor disables the
// webhook itself. What waits is in the rows of the directory where live mail's is, marked.
//
// Requests are made one after the other, so that the same run has the same course. Signatures have the wall clock's time:
// receivers compare it with theirs.
#pragma once

#include "core/seeded_random.h"
#include "events/webhook_attempts.h"
#include "events/webhook_backlog.h"
#include "events/webhook_letter.h"
#include "net/awaitable.h"
#include "relay/run_listener.h"
#include "store/store.h"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace postern::events {

inline constexpr std::size_t kMaxCourses = 4'000;  // runs in memory; the one that was made first goes, and is read again if need be

struct RunWebhooksParts {
  net::Executor executor;  // the client's
  store::Store& store;
  const Clock& clock;
  WebhookClient& client;
  const EventIds& event_ids;
  const AttachmentLinks& links;
  WebhookAttempts* attempts = nullptr;
};

class RunWebhooks final : public relay::RunListener {
 public:
  explicit RunWebhooks(RunWebhooksParts parts) : parts_(std::move(parts)) {}
  ~RunWebhooks() override { stop(); }

  bool listens_to(const AccountId& account) override;
  Result<std::optional<Instant>> tell(const store::RunRecord& run, const std::vector<MessageId>& messages, Instant now,
                                      std::chrono::steady_clock::time_point until, std::vector<relay::RunTelling>& told) override;
  Result<std::optional<Instant>> next_due(const store::RunRecord& run) override;
  Result<void> remember(const store::RunRecord& run) override;

  // The run of that account has events that nobody has offered yet: `tell` is called soon, on one of a few threads of their own,
  // for one run of an account at a time. Throws std::system_error where there is no thread to spare.
  using Tell = std::function<void(const AccountId& account, const std::string& run)>;
  void start(Tell tell);
  void notice(const store::MessageRecord& message);
  // No request begins any more.
  void close();
  // And waits for those under way, which the client's cancel() cuts off.
  void stop();

 private:
  struct Line;
  struct Course;
  using Key = std::pair<AccountId, std::string>;

  Result<std::shared_ptr<Course>> course_of(const store::RunRecord& run);
  Result<void> follow_webhooks(Course& course, const store::RunRecord& run);
  Result<void> read_events(Course& course, const store::RunRecord& run, const std::vector<MessageId>& messages);
  bool offer(Course& course, Line& line, std::uint64_t sequence, Instant now, std::vector<relay::RunTelling>& told);
  WebhookAnswer post(WebhookRequest request);
  bool is_stopping();
  void work();

  RunWebhooksParts parts_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Course>> courses_;
  std::condition_variable woken_;
  std::deque<Key> waiting_;
  std::set<Key> noticed_;
  std::set<AccountId> busy_;
  Tell tell_;
  bool is_stopping_ = false;
  static constexpr std::size_t kMaxNoticed = 10'000;  // runs; the next event of one beyond takes it along
  std::array<std::thread, 4> threads_;
};

}  // namespace postern::events
